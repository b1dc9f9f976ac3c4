import { expect, test } from 'vitest';
import { type Config, parseConfig } from './config/config-schema.ts';
import type { TlsFiles } from './config/read-tls.ts';
import type { Event } from './log/event.ts';
import { reload, type Settings } from './reload.ts';

function createWorld() {
  const certificates: TlsFiles[] = [];
  const events: Event[] = [];
  let current: Settings = { config: config({}), tls: { cert: 'old', key: 'old' } };
  return {
    certificates,
    events,
    current: () => current,
    reload(read: () => Settings) {
      const gateway = { setCertificate: (tls: TlsFiles) => void certificates.push(tls) };
      current = reload({ gateway, current, read, log: (event) => events.push(event) });
    },
  };
}

function config(raw: object): Config {
  const parsed = parseConfig({ tls: { cert: 'c.pem', key: 'k.pem' }, ...raw });
  if (!parsed.success) throw parsed.error;
  return parsed.data;
}

test('a renewed certificate and the time to stop change at once; what else changed is named', () => {
  const world = createWorld();
  const tls = { cert: 'new', key: 'new' };
  world.reload(() => ({ config: config({ shutdownGrace: '1s', poolSize: 4, workers: 2 }), tls }));
  expect(world.certificates).toEqual([tls]);
  expect(world.events).toEqual([
    { event: 'reloaded', changed: ['tls', 'shutdownGrace'], needRestart: ['poolSize', 'workers'] },
  ]);
  expect(world.current()).toMatchObject({ tls, config: { shutdownGrace: 1_000 } });
  // What waits for a restart still waits.
  world.reload(() => ({ config: config({ shutdownGrace: '1s', poolSize: 4 }), tls }));
  expect(world.events.at(-1)).toEqual({ event: 'reloaded', changed: [], needRestart: ['poolSize'] });
});

test('nothing changes when anything is wrong', () => {
  const world = createWorld();
  const before = world.current();
  world.reload(() => {
    throw new Error('postern.json: poolSize: expected number');
  });
  expect(world.events).toEqual([{ event: 'reload_refused', error: 'postern.json: poolSize: expected number' }]);
  expect(world.current()).toBe(before);
  expect(world.certificates).toEqual([]);
});

test('TLS is neither turned on nor off', () => {
  const world = createWorld();
  const { tls: _, ...plain } = config({});
  world.reload(() => ({ config: plain, tls: undefined }));
  expect(world.events).toEqual([{ event: 'reloaded', changed: [], needRestart: ['tls'] }]);
  expect(world.current().tls).toEqual({ cert: 'old', key: 'old' });
});
