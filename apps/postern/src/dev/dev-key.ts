import { entryFor, type KeyEntry } from '@postern/gateway';

/** Always the same, like the embedded database's password: it can stay in an .env file, and there is nothing to hide. */
export const devKey = 'dev';

/** For `devKey`, with the limits of the largest plan. */
export async function devKeyEntries(): Promise<KeyEntry[]> {
  const wish = { name: 'postern dev', endpoint: 'default', plan: 'business', createdAt: new Date(0) };
  return [await entryFor(devKey, 'dev', wish)];
}
