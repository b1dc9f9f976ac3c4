/** JSON made of JSON that is bytes already. */
import { concatBytes } from '@postern/wire';

const encoder = new TextEncoder();
const comma = encoder.encode(',');

/** `{"name":json}` */
export function nameResult(name: string, json: Uint8Array): Uint8Array {
  return concatBytes([encoder.encode(`{${JSON.stringify(name)}:`), json, encoder.encode('}')]);
}

/** `[a,b]` */
export function joinJson(items: readonly Uint8Array[]): Uint8Array {
  const separated = items.flatMap((item, index) => (index === 0 ? [item] : [comma, item]));
  return concatBytes([encoder.encode('['), ...separated, encoder.encode(']')]);
}
