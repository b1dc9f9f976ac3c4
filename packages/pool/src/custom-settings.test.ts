import { expect, test } from 'vitest';
import { CustomSettings } from './custom-settings.ts';

test('a name is asked about as it was spelled first, which is how Postgres shows it', () => {
  const names = new CustomSettings();
  names.add('own.Spelled');
  names.add('OWN.SPELLED');
  expect([...names.take()]).toEqual([['own.Spelled', true]]);
});

test('the spelling that sets it counts, not one that only mentions it', () => {
  const names = new CustomSettings();
  names.suspect('own.spelled');
  names.add('own.Spelled');
  names.suspect('own.SPELLED');
  expect([...names.take()]).toEqual([['own.Spelled', true]]);
});

test('what has a value is remembered in that spelling, and what is only a mention is forgotten', () => {
  const names = new CustomSettings();
  names.add('own.Spelled');
  names.suspect('own.mentioned');
  names.keep(names.take(), new Map([['own.Spelled', 'x']]));
  expect([...names.take()]).toEqual([['own.Spelled', true]]);
});
