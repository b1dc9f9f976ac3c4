/** Start-up parameters as settings: `options` is taken apart as Postgres does (pg_split_opts and process_postgres_switches). */

/** `-c name=value`, `-cname=value`, `--name=value`; a backslash makes the next character literal. Later ones win. */
export function parseStartupOptions(parameters: ReadonlyMap<string, string>): Map<string, string> {
  const settings = new Map<string, string>();
  const options = parameters.get('options');
  const words = options === undefined ? [] : splitWords(options);
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    let assignment: string | undefined;
    if (word === '-c') assignment = words[++i];
    else if (word.startsWith('-c')) assignment = word.slice(2);
    else if (word.startsWith('--')) assignment = word.slice(2);
    const equals = assignment?.indexOf('=') ?? -1;
    if (assignment === undefined || equals <= 0) continue;
    settings.set(assignment.slice(0, equals).replaceAll('-', '_'), assignment.slice(equals + 1));
  }
  for (const [name, value] of parameters) if (name !== 'options') settings.set(name, value);
  return settings;
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
