/** Cuts what several processes print into lines, so that they do not end up in each other's. */
export interface WholeLines {
  push(text: string): void;
  /** What was printed without an end of line, when nothing more will come. */
  end(): void;
}

/** A line longer than this is passed on in pieces. */
const maxLineCharacters = 1_048_576;

export function createWholeLines(write: (text: string) => void): WholeLines {
  let rest = '';
  return {
    push(text) {
      const end = text.lastIndexOf('\n') + 1;
      if (end > 0) {
        write(rest + text.slice(0, end));
        rest = text.slice(end);
      } else rest += text;
      if (rest.length < maxLineCharacters) return;
      write(rest);
      rest = '';
    },
    end() {
      if (rest !== '') write(`${rest}\n`);
      rest = '';
    },
  };
}
