import { describe, expect, it } from 'vitest';
import { parseDatabaseUrl } from './database-url.ts';
import { createEndpoint } from './endpoint.ts';
import { createEndpointDirectory, type EndpointHints } from './resolve-endpoint.ts';

describe('parseDatabaseUrl', () => {
  it.each([
    [
      'postgres://u:p%40ss@db.example.com:6000/app?sslmode=require',
      { host: 'db.example.com', port: 6000, tls: 'require', database: 'app', role: { user: 'u', password: 'p@ss' } },
    ],
    ['postgresql://u@db/', { host: 'db', port: 5432, tls: 'prefer', database: 'u', role: { user: 'u', password: '' } }],
    ['postgres://[::1]/app', { host: '::1', port: 5432, tls: 'prefer', database: 'app', role: undefined }],
    [
      'postgres:///app?host=/var/run/postgresql&port=5433&sslmode=require',
      { host: '/var/run/postgresql', port: 5433, tls: 'disable', database: 'app', role: undefined },
    ],
    ['postgres://u:p@db/app?sslmode=verify-ca', { tls: 'verify-full', rootCertificates: undefined }],
    ['postgres://db/app?sslmode=verify-full&sslrootcert=/ca.pem', { tls: 'verify-full', rootCertificates: '/ca.pem' }],
    ['postgres://db/app?sslmode=require&sslrootcert=/ca.pem', { tls: 'verify-full', rootCertificates: '/ca.pem' }],
    ['postgres://db/app?sslmode=verify-full&sslrootcert=system', { tls: 'verify-full', rootCertificates: undefined }],
    ['postgres://db/app?channel_binding=require&sslsni=1', { tls: 'prefer' }],
  ])('%s', (text, parsed) => {
    expect(parseDatabaseUrl(text)).toMatchObject(parsed);
  });

  it.each([
    ['nonsense', 'not a URL'],
    ['mysql://u:hush@db/app', 'scheme "mysql:"'],
    ['postgres://u:hush@db/app?sslmode=yes', 'sslmode=yes'],
    ['postgres://u:hush@db/app?sslmod=verify-full', 'sslmod'],
    ['postgres://u:hush@db/app?ssl=true', 'use sslmode and sslrootcert'],
    ['postgres:///?port=5432', 'names no database'],
    ['postgres://db/app?port=70000', 'port "70000"'],
    ['postgres://u:%E0%A4%A@db/app', 'percent-encoded'],
    ['postgres://u:12/hush@db/app', 'percent-encode / (%2F)'],
    ['postgres://u:hush@db1,db2/app', 'several hosts'],
  ])('refuses %s, without repeating a password', (text, message) => {
    expect(() => parseDatabaseUrl(text)).toThrow(message);
    expect(() => parseDatabaseUrl(text)).not.toThrow('hush');
  });
});

describe('createEndpoint', () => {
  it.each([['-a'], ['a-pooler'], ['a.b'], [''], ['a b'], ['x'.repeat(64)]])('refuses the name %j', (name) => {
    expect(() => createEndpoint({ name, databaseUrl: 'postgres://db/app' })).toThrow('endpoint name');
  });
  it('refuses addresses that are none', () => {
    expect(() => createEndpoint({ name: 'a', databaseUrl: 'postgres://db/app', addresses: ['http://x'] })).toThrow(
      '"http://x"',
    );
  });
});

function resolver(names: Record<string, string>, addresses: string[] = []) {
  const directory = createEndpointDirectory({
    endpoints: Object.entries(names).map(([name, databaseUrl]) => createEndpoint({ name, databaseUrl, addresses })),
    ownPorts: () => [4444, 6432],
  });
  return (hints: EndpointHints): string => {
    const result = directory.resolve(hints);
    return result.outcome === 'found' ? `${result.endpoint.name}${result.isPooled ? ' pooled' : ''}` : result.outcome;
  };
}

describe('with one endpoint', () => {
  const resolve = resolver({ main: 'postgres://db.internal:5433/app' });

  it.each<[EndpointHints, string]>([
    [{}, 'main'],
    [{ host: 'anything.example.com' }, 'main'],
    [{ host: '127.0.0.1:4444' }, 'main'],
    [{ host: 'main-pooler.example.com:4444' }, 'main pooled'],
    [{ host: 'whatever-pooler.example.com' }, 'main pooled'],
    [{ host: 'main-pooler.example.com', pooledOption: false }, 'main'],
    [{ host: '127.0.0.1', pooledOption: true }, 'main pooled'],
    [{ endpointOption: 'main' }, 'main'],
    [{ endpointOption: 'MAIN-pooler' }, 'main pooled'],
    [{ endpointOption: 'other' }, 'unknown'],
    // By its own address, by name, by ours.
    [{ address: 'db.internal:5433' }, 'main'],
    [{ address: 'db-pooler.internal:5433' }, 'main pooled'],
    [{ address: 'main.anywhere:1234' }, 'main'],
    [{ address: 'main-pooler:5432' }, 'main pooled'],
    [{ address: 'localhost:4444', host: '10.0.0.1:4444' }, 'main'],
    [{ address: '127.0.0.1:6432', host: 'gate.example.com' }, 'main'],
    [{ address: 'gate.example.com:5432', host: 'gate.example.com:4444' }, 'main'],
    [{ address: 'gate-pooler.example.com', host: 'gate.example.com:4444' }, 'main pooled'],
    // Anything else is not ours to reach.
    [{ address: 'db.internal:5432' }, 'address-refused'],
    [{ address: 'evil.example.com:5432', host: 'gate.example.com' }, 'address-refused'],
    [{ address: '127.0.0.1:22', host: '127.0.0.1:4444' }, 'address-refused'],
    [{ address: '169.254.169.254:80' }, 'address-refused'],
    [{ address: '[::1]:4444' }, 'main'],
    [{ address: '' }, 'address-refused'],
    [{ address: 'a b:1' }, 'address-refused'],
    [{ address: 'db.internal:99999' }, 'address-refused'],
    // Odd spellings of it are it; odd spellings of others are others.
    [{ address: 'DB.Internal.:5433' }, 'main'],
    [{ address: '[::ffff:127.0.0.1]:6432' }, 'main'],
    ...[
      ...['u:p@db.internal:5433', 'db.internal:5433@evil:5433', 'db.internal:5433,evil:5432', 'evil#db.internal:5433'],
      ...[
        '//db.internal:5433',
        'db.internal:5433/',
        'db.internal.evil:5433',
        'evil.example.com.:5432',
        'db.internal..:5433',
      ],
      ...[
        '2130706433:4444',
        '0x7f000001:4444',
        '127.1:4444',
        '017700000001:4444',
        '0:4444',
        '0.0.0.0:4444',
        '[::]:4444',
      ],
      ...[
        '[::ffff:169.254.169.254]:80',
        '[fe80::1%25eth0]:4444',
        '::1:4444',
        'db.internal%00:5433',
        'db\\internal:5433',
      ],
      ...[
        'localhost:4445',
        'localhost.evil:4444',
        '127.0.0.1.evil:4444',
        'db.internal:0',
        'db.internal:-1',
        'db.internal:',
      ],
    ].map((address): [EndpointHints, string] => [{ address, host: 'gate.example.com:4444' }, 'address-refused']),
  ])('%j → %s', (hints, expected) => {
    expect(resolve(hints)).toBe(expected);
  });

  it('takes further addresses the operator lists', () => {
    const withAddresses = resolver({ main: 'postgres://db.internal/app' }, ['db.localtest.me', 'other:7000']);
    expect(withAddresses({ address: 'db.localtest.me:5432' })).toBe('main');
    expect(withAddresses({ address: 'db.localtest.me:1' })).toBe('main');
    expect(withAddresses({ address: 'other:7000' })).toBe('main');
    expect(withAddresses({ address: 'other:7001' })).toBe('address-refused');
  });
});

describe('with several endpoints', () => {
  const several = { one: 'postgres://db1.internal/app', two: 'postgres://db2.internal/app' };
  const resolve = resolver(several);

  it.each<[EndpointHints, string]>([
    [{ host: 'one.gate.example.com' }, 'one'],
    [{ host: 'TWO-pooler.gate.example.com:443' }, 'two pooled'],
    [{ host: 'db2.internal' }, 'two'],
    [{ host: 'three.gate.example.com' }, 'unknown'],
    [{ host: '127.0.0.1' }, 'unknown'],
    [{}, 'unknown'],
    [{ host: 'one.gate.example.com', endpointOption: 'two' }, 'two'],
    [{ host: 'one.gate.example.com', address: 'two:5432' }, 'two'],
    [{ host: 'one.gate.example.com', address: 'localhost:4444' }, 'one'],
    // Not told apart from a wrong password: it would show which names exist.
    [{ address: 'three:5432' }, 'unknown'],
  ])('%j → %s', (hints, expected) => {
    expect(resolve(hints)).toBe(expected);
  });

  it('an endpoint called default is meant by names that cannot carry one', () => {
    const withDefault = resolver({ ...several, default: 'postgres://db3.internal/app' });
    expect(withDefault({})).toBe('default');
    expect(withDefault({ host: '10.1.2.3:4444' })).toBe('default');
    expect(withDefault({ host: 'localhost' })).toBe('default');
    expect(withDefault({ host: 'three.example.com' })).toBe('unknown');
  });

  it('needs distinct names', () => {
    const endpoint = createEndpoint({ name: 'a', databaseUrl: 'postgres://db/app' });
    expect(() => createEndpointDirectory({ endpoints: [endpoint, endpoint], ownPorts: () => [] })).toThrow('same name');
  });
});
