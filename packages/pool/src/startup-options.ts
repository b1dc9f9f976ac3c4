/** Start-up parameters as settings: `options` is taken apart as Postgres does (pg_split_opts, process_postgres_switches). */

export interface StartupSettings {
  /** Later ones win; a parameter of its own beats one in `options`. */
  readonly settings: ReadonlyMap<string, string>;
  /** What Postgres would refuse about `options`, in its words. */
  readonly error: string | undefined;
}

/** `-c name=value`, `-cname=value`, `--name=value`; a backslash makes the next character literal. */
export function parseStartupOptions(parameters: ReadonlyMap<string, string>): StartupSettings {
  const settings = new Map<string, string>();
  const options = parameters.get('options');
  const words = options === undefined ? [] : splitWords(options);
  let error: string | undefined;
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    if (word.startsWith('-S')) {
      settings.set('work_mem', word.length > 2 ? word.slice(2) : (words[++i] ?? ''));
      continue;
    }
    if (!word.startsWith('-c') && !word.startsWith('--')) {
      error ??= `invalid command-line argument for server process: ${word}`;
      continue;
    }
    const assignment = word === '-c' ? (words[++i] ?? '') : word.slice(2);
    const equals = assignment.indexOf('=');
    if (equals <= 0) error ??= `${word.startsWith('--') ? '--' : '-c '}${assignment} requires a value`;
    else settings.set(assignment.slice(0, equals).replaceAll('-', '_'), assignment.slice(equals + 1));
  }
  for (const [name, value] of parameters) if (name !== 'options') settings.set(name, value);
  return { settings, error };
}

function splitWords(text: string): string[] {
  const words: string[] = [];
  let word = '';
  let isInWord = false;
  for (let i = 0; i < text.length; i++) {
    const character = text[i]!;
    if (/\s/.test(character)) {
      if (isInWord) words.push(word);
      word = '';
      isInWord = false;
      continue;
    }
    isInWord = true;
    if (character === '\\' && i + 1 < text.length) word += text[++i];
    else word += character;
  }
  if (isInWord) words.push(word);
  return words;
}
