/** Start-up packets: parameters, options, protocol versions, refusals (§2.11 "Startup", §2.16). */
import {
  bytes,
  cstring,
  gssEncRequest,
  int32,
  PROTOCOL_3_2,
  query,
  sslRequest,
  startup,
} from '../harness/frontend-message.ts';
import type { Script } from '../harness/script.ts';

export const startupScripts: readonly Script[] = [
  {
    name: 'startup-plain',
    section: '2.11',
    async run({ open }) {
      const a = await open('A', { traceLogin: true });
      await a.query('SELECT current_user = session_user');
    },
  },
  {
    name: 'startup-parameters-become-the-baseline',
    section: '2.11',
    async run({ open }) {
      const a = await open('A', {
        traceLogin: true,
        parameters: {
          application_name: 'my app',
          datestyle: 'dmy',
          TimeZone: 'Europe/Berlin',
          extra_float_digits: '0',
          client_encoding: 'utf-8',
          statement_timeout: '3600000',
          search_path: 'noisy, public',
          'own.tenant': `o'brien \\ "x"`,
        },
      });
      const show = `SELECT current_setting('application_name'), current_setting('DateStyle'), current_setting('TimeZone'),
        current_setting('extra_float_digits'), current_setting('statement_timeout'), current_setting('search_path'),
        current_setting('own.tenant')`;
      await a.query(show);
      await a.query(`SET application_name = 'changed'; SET DateStyle = 'ISO, YMD'; SET search_path = public;
        SET extra_float_digits = 3; SET statement_timeout = 0; SET own.tenant = 'changed'`);
      await a.query(show);
      await a.query('RESET ALL');
      await a.query(show);
      await a.query('SET application_name TO DEFAULT; DISCARD ALL');
    },
  },
  {
    name: 'startup-options',
    section: '2.11',
    async run({ open }) {
      const a = await open('A', {
        traceLogin: true,
        parameters: {
          options:
            '-c search_path=noisy,public -c work_mem=555kB --statement-timeout=1234567 -c application_name=with\\ space',
        },
      });
      await a.query('SHOW search_path; SHOW work_mem; SHOW statement_timeout; SHOW application_name');
      await a.query(`SET work_mem = '1MB'; SET search_path = public`);
      await a.query('RESET ALL; SHOW work_mem; SHOW search_path');
      const b = await open('B', { parameters: { options: '-cgeqo=off -c geqo_threshold=5' } });
      await b.query('SHOW geqo; SHOW geqo_threshold');
    },
  },
  {
    name: 'startup-parameter-beats-options',
    section: '2.11',
    async run({ open }) {
      const a = await open('A', {
        parameters: { application_name: 'parameter', options: '-c application_name=option' },
      });
      await a.query('SHOW application_name');
    },
  },
  {
    name: 'startup-bad-value-refused',
    section: '2.11',
    async run({ open }) {
      await (await open('A', { parameters: { DateStyle: 'nonsense' } })).closed();
      await (await open('B', { parameters: { client_encoding: 'no such encoding' } })).closed();
      await (await open('C', { parameters: { no_such_setting: '1' } })).closed();
      await (await open('D', { parameters: { statement_timeout: 'soon' } })).closed();
      await (await open('E', { parameters: { options: '-c work_mem=plenty' } })).closed();
    },
  },
  {
    name: 'startup-settings-that-cannot-be-set',
    section: '2.11',
    async run({ open }) {
      await (await open('A', { parameters: { max_connections: '5' } })).closed();
      await (await open('B', { parameters: { server_version: '9' } })).closed();
      await (await open('C', { parameters: { options: '--nonsense' } })).closed();
    },
  },
  {
    name: 'startup-unknown-database',
    section: '2.15',
    async run({ open }) {
      await (await open('A', { database: 'conformance_no_such_database' })).closed();
    },
  },
  {
    name: 'startup-protocol-3-2',
    section: '2.16',
    async run({ open }) {
      const a = await open('A', { traceLogin: true, version: PROTOCOL_3_2 });
      await a.query('SELECT 1');
    },
  },
  {
    name: 'startup-minor-3-9',
    section: '2.16',
    async run({ open }) {
      const a = await open('A', { traceLogin: true, version: (3 << 16) | 9 });
      await a.query('SELECT 1');
    },
  },
  {
    name: 'startup-protocol-options',
    section: '2.16',
    async run({ open }) {
      const a = await open('A', {
        traceLogin: true,
        parameters: { '_pq_.first': 'x', application_name: 'between', '_pq_.second': '' },
      });
      await a.query('SELECT 1');
    },
  },
  {
    name: 'startup-wrong-major',
    section: '2.16',
    async run({ connect }) {
      const a = await connect('A');
      await a.send(startup({ user: 'postgres', database: 'postgres' }, 2 << 16));
      await a.closed();
      const b = await connect('B');
      await b.send(startup({ user: 'postgres', database: 'postgres' }, 4 << 16));
      await b.closed();
    },
  },
  {
    name: 'startup-no-user',
    section: '2.16',
    async run({ connect }) {
      const a = await connect('A');
      await a.send(startup({ database: 'postgres' }));
      await a.closed();
    },
  },
  {
    name: 'startup-packet-malformed',
    section: '2.16',
    async run({ connect }) {
      const a = await connect('A');
      await a.send(bytes(int32(7), 0, 3, 0));
      await a.closed();
      const b = await connect('B');
      await b.send(bytes(int32(10_001), int32(3 << 16), cstring('user'), new Uint8Array(9_988)));
      await b.closed();
      const c = await connect('C');
      await c.send(bytes(int32(8 + 13), int32(3 << 16), cstring('user'), 'postgres'));
      await c.closed();
    },
  },
  {
    name: 'startup-with-first-query-in-the-same-write',
    section: '2.16',
    async run({ open }) {
      const a = await open('A', { thenSend: [query('SELECT 1'), query('SELECT 2')] });
      await a.ready(2);
    },
  },
  {
    name: 'startup-encryption-requests',
    section: '2.16',
    async run({ connect }) {
      const a = await connect('A');
      await a.send(gssEncRequest());
      await a.bytes();
      a.disconnect();
      const b = await connect('B');
      await b.send(sslRequest());
      await b.bytes();
      b.disconnect();
    },
  },
];
