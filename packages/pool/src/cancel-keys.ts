/** The virtual cancel keys of all sessions. Real keys of server connections are never shown to a caller. */
import { constantTimeEqual } from '@postern/wire';

export class CancelKeys<Holder> {
  private readonly holders = new Map<number | symbol, { readonly secretKey: Uint8Array; readonly holder: Holder }>();
  private readonly random: (bytes: number) => Uint8Array;

  constructor(random: (bytes: number) => Uint8Array) {
    this.random = random;
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
      const processId = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) & 0x7fff_ffff;
      if (processId !== 0 && !this.holders.has(processId))
        return { processId, secretKey: Uint8Array.from(bytes.subarray(4)) };
    }
  }

  set(processId: number | symbol, secretKey: Uint8Array, holder: Holder): void {
    this.holders.set(processId, { secretKey, holder });
  }

  delete(processId: number | symbol): void {
    this.holders.delete(processId);
  }

  find(processId: number, secretKey: Uint8Array): Holder | undefined {
    const entry = this.holders.get(processId);
    return entry !== undefined && constantTimeEqual(entry.secretKey, secretKey) ? entry.holder : undefined;
  }

  *sessions(): IterableIterator<Holder> {
    for (const { holder } of this.holders.values()) yield holder;
  }
}
