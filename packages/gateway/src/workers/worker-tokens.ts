/** Whose an interactive transaction is: its token says which worker has it. */

/** Of `/sql`: the first byte of the random ones in the token is the worker's number. */
export function markTokenBytes(bytes: Uint8Array, worker: number): Uint8Array {
  bytes[0] = worker;
  return bytes;
}

/** Any number for what is no token of ours. */
export function workerOfToken(token: string): number {
  const digit = (character: string | undefined): number => base64url.indexOf(character ?? '');
  return (digit(token[0]) << 2) | (digit(token[1]) >> 4);
}

/** Of the Accelerate-compatible routes, where ids are made elsewhere: `3-6f1e…`. */
export function markTransactionId(id: string, worker: number): string {
  return `${worker}-${id}`;
}

/** 0 for an id that names no worker. */
export function readTransactionId(marked: string): { readonly worker: number; readonly id: string } {
  const match = /^(\d{1,3})-(.*)$/.exec(marked);
  return match === null ? { worker: 0, id: marked } : { worker: Number(match[1]), id: match[2] ?? '' };
}

/** The worker that has this transaction; undefined: `worker` itself, if any of the `workers`. */
export function ownerElsewhere(markedId: string, worker: number, workers: number): number | undefined {
  const owner = readTransactionId(markedId).worker;
  return owner === worker || owner < 1 || owner > workers ? undefined : owner;
}

const base64url = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
