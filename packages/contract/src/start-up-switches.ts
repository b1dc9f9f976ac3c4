// The `options` start-up parameter: command-line switches for a backend (`-c name=value --name=value …`).
// Split and escaped as Postgres does it (pg_split_opts, ParseLongOption): white space separates, a backslash
// takes the next character literally, `-` in a setting's name means `_`. There are no quotes.

/** One token of the `options` parameter. */
export type StartUpSwitch =
  /** `-c name=value`, `-cname=value` or `--name=value`. */
  | { readonly kind: 'setting'; readonly name: string; readonly value: string }
  /** `name=value` without dashes: not a switch of Postgres, but how Neon's users name an endpoint. */
  | { readonly kind: 'bare'; readonly name: string; readonly value: string; readonly text: string }
  /** Anything else, unescaped: other switches and their arguments. */
  | { readonly kind: 'other'; readonly text: string };

/** Splits the value of an `options` parameter. A `-c` without `name=value` behind it is kept as `other`. */
export function parseStartUpSwitches(options: string): StartUpSwitch[] {
  const switches: StartUpSwitch[] = [];
  if (options === '') return switches;
  const words = splitWords(options);
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    let assignment: string | undefined;
    if (word.startsWith('--')) assignment = word.slice(2);
    else if (word === '-c') assignment = words[++i];
    else if (word.startsWith('-c')) assignment = word.slice(2);

    const equals = (assignment ?? word).indexOf('=');
    if (assignment !== undefined && equals > 0) {
      const name = assignment.slice(0, equals).replaceAll('-', '_');
      switches.push({ kind: 'setting', name, value: assignment.slice(equals + 1) });
    } else if (assignment === undefined && equals > 0 && !word.startsWith('-')) {
      switches.push({ kind: 'bare', name: word.slice(0, equals), value: word.slice(equals + 1), text: word });
    } else {
      switches.push({ kind: 'other', text: word });
      if (word === '-c' && assignment !== undefined) switches.push({ kind: 'other', text: assignment });
    }
  }
  return switches;
}

/** Joins unescaped words to a value of the `options` parameter. */
export function joinStartUpWords(words: readonly string[]): string {
  return words.map((word) => word.replace(/[\s\\]/g, '\\$&')).join(' ');
}

function splitWords(options: string): string[] {
  const words: string[] = [];
  // A word: escaped characters and characters that are neither white space nor backslash. A trailing backslash vanishes.
  for (const match of options.matchAll(/(?:\\[\s\S]|[^\s\\])+/g)) words.push(match[0].replace(/\\([\s\S])/g, '$1'));
  return words;
}
