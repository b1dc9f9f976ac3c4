/** Names in a text that may be those of relations: every identifier counts, since only the grammar knows columns from tables. */
import { identifierName, isIdentifier } from './identifiers.ts';
import { TokenKind, type Tokens } from './tokenize.ts';
import { isOneOf } from './words.ts';

/** What all relations stand behind, somewhere. */
const readers: readonly string[] = ['from', 'table'];

/** Each name once; none when the text reads no relation. */
export function mentionedNames(text: Tokens): readonly string[] {
  const names = new Set<string>();
  let isReader = false;
  for (let i = 0; i < text.count; i++) {
    if (!isIdentifier(text, i)) continue;
    if (isOneOf(text, i, readers)) {
      isReader = true;
      continue;
    }
    const name = identifierName(text, i);
    names.add(name);
    // With an encoding of one byte per character Postgres folds more than ASCII.
    if (text.kinds[i] === TokenKind.word) names.add(name.toLowerCase());
  }
  return isReader ? [...names] : [];
}
