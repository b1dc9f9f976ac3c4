/** Results and errors as plain data, so that those of different clients can be compared. */

export type Outcome =
  | { readonly value: unknown }
  | {
      readonly error: {
        readonly name: string;
        readonly code: unknown;
        readonly message: string;
        readonly meta: unknown;
      };
    };

/** Runs it and never rejects. */
export async function outcomeOf(work: () => Promise<unknown>): Promise<Outcome> {
  try {
    return { value: plain(await work()) };
  } catch (thrown) {
    const error = thrown as { name?: string; code?: unknown; message?: string; meta?: unknown };
    return {
      error: {
        name: error.name ?? typeof thrown,
        code: error.code ?? null,
        message: lastLine(error.message ?? String(thrown)),
        meta: plain(error.meta ?? null),
      },
    };
  }
}

/** Values of classes that every generated client brings a copy of, told apart by what they are. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return { bigint: String(value) };
  if (typeof value === 'number' && !Number.isFinite(value)) return { number: String(value) };
  if (value === undefined) return { undefined: true };
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Date) return { date: Number.isNaN(value.getTime()) ? 'invalid' : value.toISOString() };
  if (ArrayBuffer.isView(value))
    return { bytes: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex') };
  if (Array.isArray(value)) return value.map(plain);
  if ('toFixed' in value && typeof value.toFixed === 'function') return { decimal: String(value.toFixed()) };
  // JSON has no undefined: what came over a wire lacks it.
  const known = Object.entries(value).filter(([, item]) => item !== undefined);
  return Object.fromEntries(known.map(([name, item]) => [name, plain(item)]));
}

/** Prisma shows the calling code above its message; that differs by nature. */
function lastLine(message: string): string {
  return message.split('\n').filter(Boolean).at(-1)?.trim() ?? '';
}
