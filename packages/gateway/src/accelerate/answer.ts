/** The body of an answer that is not an error. */
import { concatBytes } from '@postern/wire';

/** The JSON of an answer, without its extensions: `data` and `batchResult` are JSON already. */
export type Answer =
  | { readonly data: Uint8Array }
  | { readonly batchResult: Uint8Array }
  | { readonly body: Readonly<Record<string, unknown>> };

const encoder = new TextEncoder();

/** With what the client wants to know for its logs and traces. */
export function writeAnswer(
  answer: Answer,
  extensions: Readonly<Record<string, unknown>> | undefined,
): Uint8Array | string {
  if ('body' in answer) return JSON.stringify({ ...answer.body, ...(extensions === undefined ? {} : { extensions }) });
  const isSingle = 'data' in answer;
  return concatBytes([
    encoder.encode(isSingle ? '{"data":' : '{"batchResult":'),
    isSingle ? answer.data : answer.batchResult,
    encoder.encode(extensions === undefined ? '}' : `,"extensions":${JSON.stringify(extensions)}}`),
  ]);
}
