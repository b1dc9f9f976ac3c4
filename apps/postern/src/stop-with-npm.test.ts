import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createStopRequest } from './stop-request.ts';
import { stopWithNpm } from './stop-with-npm.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

async function reasonAfterLosingTheParent(environment: NodeJS.ProcessEnv): Promise<string> {
  let parent = 100;
  const stop = createStopRequest(new EventEmitter(), () => {});
  stopWithNpm(stop, environment, () => parent);
  await vi.advanceTimersByTimeAsync(5_000);
  parent = 1;
  await vi.advanceTimersByTimeAsync(5_000);
  return Promise.race([stop.requested, Promise.resolve().then(() => 'goes on')]);
}

test('a program that npm has started ends with it', async () => {
  expect(await reasonAfterLosingTheParent({ npm_lifecycle_event: 'npx' })).toBe('npm ended');
});

test('any other may outlive its parent: nohup, a supervisor that re-executes itself', async () => {
  expect(await reasonAfterLosingTheParent({})).toBe('goes on');
});
