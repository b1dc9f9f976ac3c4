import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseMachineTicks, parseProcessTicks, parseStatusBytes, selectTree, sumTicks } from './proc-files.ts';

const stat = (pid: number, parent: number, times: readonly number[], name = 'x'): string =>
  `${pid} (${name}) S ${parent} 1 1 0 -1 4194560 100 0 0 0 ${times.join(' ')} 20 0 1 0 12345 1000 200 18446744073709551615`;

test('/proc/stat', () => {
  const text = 'cpu  190506 11388 85744 673883 2127 7 2960 413 0 0\ncpu0 93759 5974 38990 342913 456 0 1092 211 0 0\n';
  expect(parseMachineTicks(text)).toEqual({ busy: 190506 + 11388 + 85744, stolen: 413 });
  expect(() => parseMachineTicks('intr 1')).toThrow('/proc/stat');
});

test('/proc/PID/stat, whatever the program calls itself', () => {
  const expected = { pid: 42, parentPid: 7, own: 30, reapedChildren: 7 };
  for (const name of ['node', 'a b', 'x) S 1 2 3 (y', ')']) {
    expect(parseProcessTicks(stat(42, 7, [10, 20, 3, 4], name))).toEqual(expected);
  }
  expect(() => parseProcessTicks('42 (node) S')).toThrow('unexpected format');
});

test('a tree keeps what ended children used', () => {
  const all = [
    stat(1, 0, [1000, 0, 0, 0]),
    stat(10, 1, [5, 5, 100, 0]),
    stat(11, 10, [1, 2, 0, 0]),
    stat(12, 11, [4, 0, 0, 0]),
    stat(13, 1, [500, 0, 0, 0]),
  ].map(parseProcessTicks);
  const tree = selectTree(all, [10, 12]);
  expect(tree.map(({ pid }) => pid).sort()).toEqual([10, 11, 12]);
  expect(sumTicks(tree)).toBe(10 + 100 + 3 + 4);
  expect(selectTree(all, [99])).toEqual([]);
});

test('/proc/PID/status', () => {
  expect(parseStatusBytes('VmPeak:\t   9 kB\nVmRSS:\t   44032 kB\n', 'VmRSS')).toBe(44032 * 1024);
  expect(() => parseStatusBytes('VmRSS:\t1 kB\n', 'VmSwap')).toThrow('VmSwap');
});

test.runIf(process.platform === 'linux')('the files of this machine', () => {
  expect(parseMachineTicks(readFileSync('/proc/stat', 'utf8')).busy).toBeGreaterThan(0);
  expect(parseProcessTicks(readFileSync('/proc/self/stat', 'utf8')).parentPid).toBe(process.ppid);
  expect(parseStatusBytes(readFileSync('/proc/self/status', 'utf8'), 'VmRSS')).toBeGreaterThan(1e6);
});
