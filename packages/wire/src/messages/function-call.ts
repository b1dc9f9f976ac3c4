import { BodyReader } from '../bytes/body-reader.ts';
import {
  headerBytes,
  int16sLength,
  startMessage,
  valuesLength,
  type WireValue,
  writeInt16,
  writeInt16s,
  writeInt32,
  writeValues,
} from '../bytes/body-writer.ts';
import { FrontendCode } from '../message-codes.ts';

/** The legacy "fast path" call, a segment of its own like Query. libpq's large-object functions still use it. */
export interface FunctionCallOptions {
  readonly functionOid: number;
  /** As in Bind. */
  readonly parameterFormats: readonly number[];
  readonly parameters: readonly WireValue[];
  /** 0 text, 1 binary. */
  readonly resultFormat: number;
}

export interface FunctionCallMessage {
  readonly functionOid: number;
  readonly parameterFormats: number[];
  /** Views into the body. */
  readonly parameters: (Uint8Array | null)[];
  readonly resultFormat: number;
}

export function encodeFunctionCall(options: FunctionCallOptions): Uint8Array {
  const { functionOid, parameterFormats, parameters, resultFormat } = options;
  const bytes = startMessage(
    FrontendCode.FunctionCall,
    4 + int16sLength(parameterFormats, 'parameter formats') + valuesLength(parameters, 'parameters') + 2,
  );
  let at = writeInt32(bytes, headerBytes, functionOid);
  at = writeInt16s(bytes, at, parameterFormats);
  at = writeValues(bytes, at, parameters);
  writeInt16(bytes, at, resultFormat);
  return bytes;
}

export function decodeFunctionCall(body: Uint8Array): FunctionCallMessage {
  const reader = new BodyReader(body, 'FunctionCall');
  const functionOid = reader.uint32();
  const parameterFormats = reader.int16s();
  const parameters = reader.values();
  const resultFormat = reader.int16();
  reader.end();
  return { functionOid, parameterFormats, parameters, resultFormat };
}
