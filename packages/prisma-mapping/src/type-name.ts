import { Oid } from '@postern/wire';

const names: ReadonlyMap<number, string> = new Map(Object.entries(Oid).map(([name, oid]) => [oid, name]));

/** The name Postgres has for a built-in type, for messages: `interval`, `_point`. */
export function typeName(oid: number): string {
  const name = names.get(oid);
  if (name === undefined) return 'Unknown';
  const snake = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return snake.endsWith('_array') ? `_${snake.slice(0, -'_array'.length)}` : snake;
}
