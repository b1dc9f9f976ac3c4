/** The messages whose body is one text: encoding and decoding are the same for all of them. */
import { BodyReader } from '../bytes/body-reader.ts';
import { cStringLength, headerBytes, startMessage, writeCString } from '../bytes/body-writer.ts';
import { BackendCode, FrontendCode } from '../message-codes.ts';

/** A simple query: one or more statements, run as one segment that ends in ReadyForQuery. */
export function encodeQuery(text: string): Uint8Array {
  return encodeSingleText(FrontendCode.Query, text);
}

export function decodeQuery(body: Uint8Array): string {
  return decodeSingleText(body, 'Query');
}

/** The password in clear, or what `md5Password` returned. */
export function encodePassword(text: string): Uint8Array {
  return encodeSingleText(FrontendCode.PasswordMessage, text);
}

export function decodePassword(body: Uint8Array): string {
  return decodeSingleText(body, 'Password');
}

export function encodeCopyFail(reason: string): Uint8Array {
  return encodeSingleText(FrontendCode.CopyFail, reason);
}

export function encodeCommandComplete(tag: string): Uint8Array {
  return encodeSingleText(BackendCode.CommandComplete, tag);
}

/** The command tag, `INSERT 0 5` or `CREATE TABLE`; see `commandRowCount`. */
export function decodeCommandComplete(body: Uint8Array): string {
  return decodeSingleText(body, 'CommandComplete');
}

function encodeSingleText(code: number, text: string): Uint8Array {
  const bytes = startMessage(code, cStringLength(text));
  writeCString(bytes, headerBytes, text);
  return bytes;
}

function decodeSingleText(body: Uint8Array, message: string): string {
  const reader = new BodyReader(body, message);
  const text = reader.cString();
  reader.end();
  return text;
}
