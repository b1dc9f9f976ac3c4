/** Links of documents that live elsewhere in the repository, when they become pages of the site. */
import { posix } from 'node:path';

export interface AdoptedDocument {
  /** Of the document, from the repository root. */
  readonly path: string;
  /** Repository files that are pages, with the page's path. */
  readonly pages: ReadonlyMap<string, string>;
}

/**
 * Makes links to files of the repository point to their pages; one to a file that has no page becomes its path as code. Text in
 * code blocks stays as it is.
 */
export function adoptLinks(markdown: string, document: AdoptedDocument): string {
  let isInFence = false;
  return markdown
    .split('\n')
    .map((line) => {
      if (/^\s*```/.test(line)) isInFence = !isInFence;
      else if (!isInFence)
        return line.replaceAll(/\[([^\]]+)\]\(([^)\s]+)\)/g, (link, text, to) => adopt(link, text, to, document));
      return line;
    })
    .join('\n');
}

function adopt(link: string, text: string, target: string, { path, pages }: AdoptedDocument): string {
  if (/^(#|[a-z]+:)/.test(target)) return link;
  const [file = '', anchor] = target.split('#');
  const resolved = posix.join(posix.dirname(path), file);
  const page = resolved === 'README.md' ? '' : pages.get(resolved);
  if (page !== undefined)
    return `[${text}](/${page.replace(/\bindex$/, '')}${anchor === undefined ? '' : `#${anchor}`})`;
  return text === resolved ? `\`${resolved}\`` : `${text} (\`${resolved}\`)`;
}
