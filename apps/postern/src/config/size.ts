const unitBytes = { kb: 1_024, mb: 1_048_576, gb: 1_073_741_824 } as const;

/** Parses `512KB`, `5MB`, `1GB` into bytes; undefined when it is none of them. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d{1,9}(?:\.\d{1,3})?)\s*(kb|mb|gb)$/i.exec(text.trim());
  if (!match) return undefined;
  const bytes = Math.round(Number(match[1]) * unitBytes[match[2]?.toLowerCase() as keyof typeof unitBytes]);
  return bytes > 0 ? bytes : undefined;
}
