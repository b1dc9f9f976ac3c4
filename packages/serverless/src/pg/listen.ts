/** LISTEN as a loop. */
import { quoteIdentifier } from '../http/template.ts';
import { createError } from '../postern-error.ts';
import { createAsyncQueue } from './async-queue.ts';
import type { Client } from './client.ts';

export interface ChannelNotification {
  channel: string;
  payload: string;
  processId: number;
}

/** Notifications a slow loop may leave waiting. */
const maxWaiting = 10_000;

export async function* listen(client: Client, channel: string): AsyncGenerator<ChannelNotification> {
  const name = quoteIdentifier(channel);
  const queue = createAsyncQueue<ChannelNotification>();
  const take = (notification: ChannelNotification): void => {
    if (notification.channel !== channel) return;
    if (queue.length < maxWaiting) queue.push(notification);
    else queue.end(createError('usage', `more than ${maxWaiting} notifications`, '53400'));
  };
  Object.assign(take, { channel }); // for other loops on the same channel
  client.on('notification', take).on('error', queue.end).on('end', queue.end);
  try {
    await client.query(`LISTEN ${name}`);
    yield* queue;
  } finally {
    client.off('notification', take).off('error', queue.end).off('end', queue.end);
    const isHeard = client.listeners('notification').some((other) => 'channel' in other && other.channel === channel);
    if (client.isUsable && !isHeard) await client.query(`UNLISTEN ${name}`);
  }
}
