/** The virtual cancel keys of all sessions. Real keys of server connections are never shown to a caller. */
import { constantTimeEqual } from '@postern/wire';

export class CancelKeys<Holder> {
  /** The secrets as one character per byte: ten thousand byte arrays would take ten times as much memory. */
  private readonly holders = new Map<number | symbol, { readonly secret: string; readonly holder: Holder }>();
  private readonly random: (bytes: number) => Uint8Array;
  private readonly processNumber: number | undefined;

  /** `processNumber`: which of several processes this is; see processNumberOf. */
  constructor(random: (bytes: number) => Uint8Array, processNumber?: number) {
    this.random = random;
    this.processNumber = processNumber;
  }

  get size(): number {
    return this.holders.size;
  }

  /** A process id that no session has, `preferred` if that is free, and a secret of `secretBytes` bytes. */
  create(secretBytes: number, preferred = 0): { processId: number; secretKey: Uint8Array } {
    if (preferred > 0 && !this.holders.has(preferred))
      return { processId: preferred, secretKey: this.random(secretBytes) };
    for (;;) {
      const bytes = this.random(4 + secretBytes);
      const processId = this.numbered(new DataView(bytes.buffer, bytes.byteOffset).getUint32(0));
      if (processId !== 0 && !this.holders.has(processId))
        return { processId, secretKey: Uint8Array.from(bytes.subarray(4)) };
    }
  }

  private numbered(random: number): number {
    const { processNumber } = this;
    return processNumber === undefined ? random & 0x7fff_ffff : (processNumber << 24) | (random & 0xff_ffff);
  }

  set(processId: number | symbol, secretKey: Uint8Array, holder: Holder): void {
    this.holders.set(processId, { secret: String.fromCharCode(...secretKey), holder });
  }

  delete(processId: number | symbol): void {
    this.holders.delete(processId);
  }

  find(processId: number, secretKey: Uint8Array): Holder | undefined {
    const entry = this.holders.get(processId);
    if (entry === undefined) return undefined;
    const own = Uint8Array.from(entry.secret, (character) => character.charCodeAt(0));
    return constantTimeEqual(own, secretKey) ? entry.holder : undefined;
  }

  *sessions(): IterableIterator<Holder> {
    for (const { holder } of this.holders.values()) yield holder;
  }
}

/**
 * Which process made this virtual process id, 1 to 127. Direct sessions have the server's own, whose upper bits are usually
 * 0, and tell nothing.
 */
export function processNumberOf(processId: number): number {
  return processId >>> 24;
}
