/** COPY: the responses that start it and the data in between (CopyDone is in bodyless.ts, CopyFail in single-text.ts). */
import { BodyReader } from '../bytes/body-reader.ts';
import { headerBytes, int16sLength, startMessage, writeInt16s } from '../bytes/body-writer.ts';
import { BackendCode, FrontendCode } from '../message-codes.ts';

export interface CopyResponse {
  readonly format: 'text' | 'binary';
  /** One per column, 0 text, 1 binary; all 0 when `format` is text. */
  readonly columnFormats: readonly number[];
}

/** The same bytes in both directions. */
export function encodeCopyData(bytes: Uint8Array): Uint8Array {
  const message = startMessage(FrontendCode.CopyData, bytes.length);
  message.set(bytes, headerBytes);
  return message;
}

export function encodeCopyInResponse(response: CopyResponse): Uint8Array {
  return encodeCopyResponse(BackendCode.CopyInResponse, response);
}

export function encodeCopyOutResponse(response: CopyResponse): Uint8Array {
  return encodeCopyResponse(BackendCode.CopyOutResponse, response);
}

/** CopyInResponse, CopyOutResponse and CopyBothResponse. */
export function decodeCopyResponse(body: Uint8Array): CopyResponse {
  const reader = new BodyReader(body, 'CopyResponse');
  const format = reader.byte();
  if (format > 1) reader.fail(`format ${format} is neither text nor binary`);
  const columnFormats = reader.int16s();
  reader.end();
  return { format: format === 0 ? 'text' : 'binary', columnFormats };
}

function encodeCopyResponse(code: number, response: CopyResponse): Uint8Array {
  const message = startMessage(code, 1 + int16sLength(response.columnFormats, 'columns'));
  message[headerBytes] = response.format === 'text' ? 0 : 1;
  writeInt16s(message, headerBytes + 1, response.columnFormats);
  return message;
}
