import { BodyReader } from '../bytes/body-reader.ts';
import { cStringLength, headerBytes, startMessage, writeCString, writeInt32 } from '../bytes/body-writer.ts';
import { BackendCode } from '../message-codes.ts';

export interface Notification {
  /** Of the backend that ran NOTIFY; signed 32 bits. */
  readonly processId: number;
  readonly channel: string;
  readonly payload: string;
}

export function encodeNotificationResponse(processId: number, channel: string, payload: string): Uint8Array {
  const bytes = startMessage(BackendCode.NotificationResponse, 4 + cStringLength(channel) + cStringLength(payload));
  let at = writeInt32(bytes, headerBytes, processId);
  at = writeCString(bytes, at, channel);
  writeCString(bytes, at, payload);
  return bytes;
}

export function decodeNotification(body: Uint8Array): Notification {
  const reader = new BodyReader(body, 'NotificationResponse');
  const processId = reader.int32();
  const channel = reader.cString();
  const payload = reader.cString();
  reader.end();
  return { processId, channel, payload };
}
