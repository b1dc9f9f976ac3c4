import {
  BackendCode,
  decodeAuthentication,
  decodeCommandComplete,
  decodeDataRow,
  decodeErrorFields,
  decodeNotification,
  decodeParameterDescription,
  decodeParameterStatus,
  decodeReadyForQuery,
  decodeRowDescription,
  decodeText,
} from '@postern/wire';

/** A server message whose body is the receiver's own copy. */
export interface BackendMessage {
  readonly code: number;
  readonly body: Uint8Array;
}

const nameByCode = new Map<number, string>(Object.entries(BackendCode).map(([name, code]) => [code, name]));

/** `CommandComplete SELECT 1`: one server message as one readable line, without what differs from run to run. */
export function traceMessage({ code, body }: BackendMessage): string {
  const name = nameByCode.get(code) ?? `unknown message ${String.fromCharCode(code)}`;
  const content = traceBody(code, body);
  return content === '' ? name : `${name} ${content}`;
}

/** The lines of several messages, for `expect(trace(…)).toEqual([…])`. */
export function trace(messages: readonly BackendMessage[]): string[] {
  return messages.map(traceMessage);
}

function traceBody(code: number, body: Uint8Array): string {
  switch (code) {
    case BackendCode.Authentication:
      return decodeAuthentication(body).kind;
    case BackendCode.ReadyForQuery:
      return decodeReadyForQuery(body);
    case BackendCode.CommandComplete:
      return decodeCommandComplete(body);
    case BackendCode.DataRow:
      return decodeDataRow(body)
        .map((value) => (value === null ? 'NULL' : JSON.stringify(decodeText(value))))
        .join(' ');
    case BackendCode.RowDescription:
      return decodeRowDescription(body)
        .map((field) => `${field.name}:${field.dataTypeID}${field.format === 'binary' ? ':binary' : ''}`)
        .join(' ');
    case BackendCode.ParameterDescription:
      return decodeParameterDescription(body).join(' ');
    case BackendCode.ParameterStatus: {
      const { name, value } = decodeParameterStatus(body);
      return `${name}=${value}`;
    }
    case BackendCode.NotificationResponse: {
      const { channel, payload } = decodeNotification(body);
      return `${channel} ${JSON.stringify(payload)}`;
    }
    case BackendCode.ErrorResponse:
    case BackendCode.NoticeResponse: {
      const fields = decodeErrorFields(body);
      return `${fields.severity} ${fields.code} ${fields.message}`;
    }
    case BackendCode.CopyData:
      return JSON.stringify(decodeText(body));
    default:
      return '';
  }
}
