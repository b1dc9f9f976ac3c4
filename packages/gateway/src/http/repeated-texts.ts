// Which statements come again and again, and so are worth a name: one that is prepared for a single use costs more than
// one without a name, and pushes another out.

export interface RepeatedTexts {
  /** Whether the text has run before, not too long ago. */
  has(text: string): boolean;
  /** It ran, and succeeded. */
  add(text: string): void;
}

export interface RepeatedTextsOptions {
  /** Texts remembered. */
  readonly maxTexts?: number;
  /** Longer ones are never remembered: most of them hold their values. */
  readonly maxLength?: number;
}

/** Two generations make a least-recently-used memory that costs little per look-up. */
export function createRepeatedTexts(options: RepeatedTextsOptions = {}): RepeatedTexts {
  const { maxTexts = 1_000, maxLength = 4_096 } = options;
  let recent = new Set<string>();
  let older = new Set<string>();
  return {
    has: (text) => recent.has(text) || older.has(text),
    add(text) {
      if (text.length > maxLength || recent.has(text)) return;
      if (recent.size >= maxTexts / 2) {
        older = recent;
        recent = new Set();
      }
      recent.add(text);
    },
  };
}
