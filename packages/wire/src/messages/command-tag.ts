export interface CommandTag {
  /** The first word: SELECT, INSERT, CREATE, …; '' for an empty tag. */
  readonly command: string;
  /** Rows selected, changed or copied; null for a command that has no such number. */
  readonly rowCount: number | null;
}

/** Takes a CommandComplete tag apart: `INSERT 0 5` (the 0 is a relic), `UPDATE 5`, `CREATE TABLE`. */
export function commandRowCount(tag: string): CommandTag {
  const words = tag.split(' ');
  const command = words[0] ?? '';
  const count = words[command === 'INSERT' ? 2 : 1];
  return { command, rowCount: count !== undefined && /^\d+$/.test(count) ? Number(count) : null };
}
