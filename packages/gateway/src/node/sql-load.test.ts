import { createFakeClock } from '@postern/testkit';
import { expect, test } from 'vitest';
import type { SqlHttpReply, SqlHttpRequest } from '../http/sql-handler.ts';
import { watchSqlLoad } from './sql-load.ts';

test('the load is high with many requests in a second, and over after some calm ones', () => {
  const clock = createFakeClock();
  const told: boolean[] = [];
  const reply: SqlHttpReply = { status: 200, headers: {}, body: new Uint8Array(0) };
  const request = {} as SqlHttpRequest; // not looked at
  const handler = watchSqlLoad(
    (_request, respond) => respond(reply),
    clock,
    (isHigh) => void told.push(isHigh),
  );
  const second = (requests: number): void => {
    for (let index = 0; index < requests; index++) handler(request, () => {});
    clock.advance(1_000);
  };
  const replies: SqlHttpReply[] = [];
  handler(request, (given) => void replies.push(given));
  expect(replies).toEqual([reply]);
  for (let index = 0; index < 10; index++) second(400);
  expect(told).toEqual([]);
  second(500);
  expect(told).toEqual([true]);
  for (const rate of [500, 60, 10, 10, 10, 10, 60, 10, 10, 10, 10]) second(rate);
  expect(told).toEqual([true]);
  second(0);
  expect(told).toEqual([true, false]);
  // Again, after nothing has happened for a while.
  for (const rate of [0, 0, 0, 600]) second(rate);
  expect(told).toEqual([true, false, true]);
});
