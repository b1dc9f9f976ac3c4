/** Writes the built package in `from` into the new folder `to`, ready for `deno publish`. */
export function stageForJsr(from: string, to: string): void;
