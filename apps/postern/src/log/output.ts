/** Standard output with one write per turn of the event loop: a line per request would else be a system call per request. */

export interface Output {
  write(text: string): void;
  /** Writes what is gathered now. Before the program ends. */
  flush(): void;
}

/** More than this is written at once. */
const maxGatheredCharacters = 65_536;

export function createOutput(write: (text: string) => void, soon: (callback: () => void) => void): Output {
  let gathered = '';

  function flush(): void {
    if (gathered === '') return;
    const text = gathered;
    gathered = '';
    write(text);
  }

  return {
    write(text) {
      if (gathered === '') soon(flush);
      gathered += text;
      if (gathered.length > maxGatheredCharacters) flush();
    },
    flush,
  };
}
