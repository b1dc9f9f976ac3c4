/** The body of an answer that is not an error. */

/** The JSON of an answer, without its extensions: `data` is JSON already. */
export type Answer = { readonly data: Uint8Array } | { readonly body: Readonly<Record<string, unknown>> };

const encoder = new TextEncoder();

/** With what the client wants to know for its logs and traces. */
export function writeAnswer(
  answer: Answer,
  extensions: Readonly<Record<string, unknown>> | undefined,
): Uint8Array | string {
  if ('body' in answer) return JSON.stringify({ ...answer.body, ...(extensions === undefined ? {} : { extensions }) });
  const start = encoder.encode('{"data":');
  const end = encoder.encode(extensions === undefined ? '}' : `,"extensions":${JSON.stringify(extensions)}}`);
  const bytes = new Uint8Array(start.length + answer.data.length + end.length);
  bytes.set(start);
  bytes.set(answer.data, start.length);
  bytes.set(end, start.length + answer.data.length);
  return bytes;
}
