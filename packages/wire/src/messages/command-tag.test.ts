import { expect, test } from 'vitest';
import { commandRowCount } from './command-tag.ts';

test.each([
  ['SELECT 0', 'SELECT', 0],
  ['SELECT 5', 'SELECT', 5],
  ['INSERT 0 2', 'INSERT', 2],
  ['UPDATE 5', 'UPDATE', 5],
  ['DELETE 1', 'DELETE', 1],
  ['MERGE 3', 'MERGE', 3],
  ['FETCH 7', 'FETCH', 7],
  ['COPY 12', 'COPY', 12],
  ['CREATE TABLE', 'CREATE', null],
  ['BEGIN', 'BEGIN', null],
  ['DO', 'DO', null],
  ['DROP 1x', 'DROP', null],
  ['INSERT 5', 'INSERT', null],
  ['', '', null],
])('%j', (tag, command, rowCount) => {
  expect(commandRowCount(tag)).toEqual({ command, rowCount });
});
