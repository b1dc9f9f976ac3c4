import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { interfaceMembers } from './interface-members.ts';

const file = fileURLToPath(new URL('interface-members.ts', import.meta.url));

test('reads names, types and comments', () => {
  expect(interfaceMembers(file, 'Member')).toEqual([
    { name: 'name', type: 'string', comment: '' },
    { name: 'type', type: 'string', comment: '' },
    { name: 'comment', type: 'string', comment: "'' when there is none." },
  ]);
});

test('an interface that is gone is an error', () => {
  expect(() => interfaceMembers(file, 'Missing')).toThrow('has no interface Missing');
});
