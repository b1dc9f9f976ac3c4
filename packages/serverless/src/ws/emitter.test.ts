// Against Node's own EventEmitter.
import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { Emitter } from './emitter.ts';

function story(emitter: EventEmitter): unknown[] {
  const heard: unknown[] = [];
  const say =
    (word: string) =>
    (...about: unknown[]): void => {
      heard.push([word, ...about]);
    };
  const twice = say('twice');
  const once = say('once');
  emitter.setMaxListeners(100).on('a', twice).addListener('a', say('second')).prependListener('a', say('first'));
  emitter.once('a', once).prependOnceListener('a', say('before')).on('a', twice);
  heard.push(emitter.emit('a', 1, 2), emitter.emit('a'), emitter.emit('nobody'));
  emitter.off('a', twice).removeListener('a', once).once('b', once);
  heard.push(emitter.emit('a'), emitter.eventNames(), emitter.listenerCount('a'));
  heard.push(emitter.listeners('b')[0] === once, emitter.rawListeners('b')[0] === once);
  emitter.removeListener('b', once).on('c', () => emitter.removeAllListeners('c'));
  emitter.on('c', say('still in this round'));
  heard.push(emitter.emit('c'), emitter.emit('c'), emitter.eventNames());
  emitter.removeAllListeners();
  heard.push(emitter.eventNames());
  return heard;
}

test('does what EventEmitter does', () => {
  expect(story(new Emitter() as unknown as EventEmitter)).toEqual(story(new EventEmitter()));
});

test('except that an error nobody listens to is not thrown', () => {
  expect(new Emitter().emit('error', new Error('unheard'))).toBe(false);
});
