import type { PosternError } from '../postern-error.ts';
import type { ChannelNotification } from './listen.ts';

/** Events of a client. */
export interface ClientEvents {
  connect: [];
  drain: [];
  end: [];
  error: [error: PosternError];
  notice: [notice: PosternError];
  notification: [notification: ChannelNotification];
}
