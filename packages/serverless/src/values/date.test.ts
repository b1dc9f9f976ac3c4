import { afterEach, beforeEach, expect, test } from 'vitest';
import { dateSettings, formatDate, parseDate } from './date.ts';

const zoneBefore = process.env.TZ;
const setZone = (zone: string | undefined): void => {
  if (zone === undefined) delete process.env.TZ;
  else process.env.TZ = zone;
};
beforeEach(() => setZone('UTC'));
afterEach(() => {
  setZone(zoneBefore);
  dateSettings.areSentAsUtc = false;
});

// Offsets of old had seconds, which getTimezoneOffset() leaves out.
test.each([
  ['Europe/Paris', '+00:09:21'],
  ['Europe/Moscow', '+02:30:17'],
  ['Asia/Kolkata', '+05:21:10'],
  ['Africa/Monrovia', '-00:43:08'],
  ['America/New_York', '-05:00'],
  ['Asia/Kathmandu', '+05:41:16'],
  ['UTC', '+00:00'],
])('a day is the same day for Postgres: %s', (zone, offset) => {
  setZone(zone);
  const day = new Date(1905, 2, 4);
  expect(formatDate(day)).toBe(`1905-03-04T00:00:00.000${offset}`);
  expect(parseDate('1905-03-04')).toEqual(day);
  const ancient = new Date(0, 11, 31, 23, 59, 59, 999);
  ancient.setFullYear(-43);
  expect(formatDate(ancient)).toMatch(/^0044-12-31T23:59:59\.999[-+]\d\d:\d\d(:\d\d)? BC$/);
  dateSettings.areSentAsUtc = true;
  expect(formatDate(new Date('1905-03-04T05:06:07.008Z'))).toBe('1905-03-04T05:06:07.008+00:00');
});

test('the end of February, and of a day that daylight saving makes shorter', () => {
  setZone('America/New_York');
  expect(formatDate(new Date(2024, 1, 29, 23, 59, 59))).toBe('2024-02-29T23:59:59.000-05:00');
  expect(formatDate(new Date(2024, 2, 10, 3))).toBe('2024-03-10T03:00:00.000-04:00');
  expect(formatDate(new Date(2024, 10, 3, 1))).toBe('2024-11-03T01:00:00.000-04:00');
});
