import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { UsageError } from '../usage-error.ts';
import type { Config } from './config-schema.ts';

/** Certificate and key, PEM. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

/** Reads and checks the files `tls` names; undefined when TLS is off. Throws UsageError naming the file. */
export function readTlsFiles(tls: Config['tls']): TlsFiles | undefined {
  if (!tls) return undefined;
  const files = { cert: readPem('tls.cert', tls.cert), key: readPem('tls.key', tls.key) };
  try {
    createSecureContext(files);
  } catch (error) {
    throw new UsageError(`tls: ${tls.cert} and ${tls.key} are not a usable pair: ${(error as Error).message}`);
  }
  return files;
}

function readPem(key: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new UsageError(`${key}: ${(error as Error).message}`);
  }
}
