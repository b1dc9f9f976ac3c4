import { BodyReader } from '../bytes/body-reader.ts';
import {
  cStringLength,
  headerBytes,
  int16sLength,
  startMessage,
  valuesLength,
  type WireValue,
  writeCString,
  writeInt16s,
  writeValues,
} from '../bytes/body-writer.ts';
import { FrontendCode } from '../message-codes.ts';

export interface BindOptions {
  /** '' (default) is the unnamed portal. */
  readonly portal?: string;
  /** '' (default) is the unnamed statement. */
  readonly statement?: string;
  /** 0 text, 1 binary. None: all text; one: for all; else one per parameter. Not derived from the values. */
  readonly parameterFormats?: readonly number[];
  readonly parameters?: readonly WireValue[];
  /** As `parameterFormats`, for the result columns. */
  readonly resultFormats?: readonly number[];
}

export interface BindMessage {
  readonly portal: string;
  readonly statement: string;
  readonly parameterFormats: number[];
  /** Views into the body. */
  readonly parameters: (Uint8Array | null)[];
  readonly resultFormats: number[];
}

const none: readonly never[] = [];

export function encodeBind(options: BindOptions = {}): Uint8Array {
  const { portal = '', statement = '', parameterFormats = none, parameters = none, resultFormats = none } = options;
  const bytes = startMessage(
    FrontendCode.Bind,
    cStringLength(portal) +
      cStringLength(statement) +
      int16sLength(parameterFormats, 'parameter formats') +
      valuesLength(parameters, 'parameters') +
      int16sLength(resultFormats, 'result formats'),
  );
  let at = writeCString(bytes, headerBytes, portal);
  at = writeCString(bytes, at, statement);
  at = writeInt16s(bytes, at, parameterFormats);
  at = writeValues(bytes, at, parameters);
  writeInt16s(bytes, at, resultFormats);
  return bytes;
}

/** The structure only: whether counts and formats make sense is for Postgres to say, as an ordinary error. */
export function decodeBind(body: Uint8Array): BindMessage {
  const reader = new BodyReader(body, 'Bind');
  const portal = reader.cString();
  const statement = reader.cString();
  const parameterFormats = reader.int16s();
  const parameters = reader.values();
  const resultFormats = reader.int16s();
  reader.end();
  return { portal, statement, parameterFormats, parameters, resultFormats };
}
