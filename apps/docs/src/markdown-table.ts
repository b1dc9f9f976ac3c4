/** Tables of Markdown, from texts that may hold anything. */

/** A table; cells are Markdown already. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** Code within a table: `|` would end the cell. */
export function codeCell(text: string): string {
  const oneLine = text.replaceAll(/\s+/g, ' ').trim();
  return oneLine === '' ? '' : `<code v-pre>${escapeHtml(oneLine)}</code>`;
}

/** Longer code, which may go over several lines. */
export function wrappingCodeCell(text: string): string {
  return codeCell(text).replace('<code', '<code class="wraps"');
}

/** Prose within a table; `code` stays code. */
export function textCell(text: string): string {
  const oneLine = text.replaceAll(/\s+/g, ' ').trim();
  return oneLine
    .split(/`([^`]*)`/)
    .map((part, index) => (index % 2 === 1 ? codeCell(part) : escapeHtml(part)))
    .join('');
}

function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>|{}*_[\]]/g, (character) => `&#${character.codePointAt(0)};`);
}
