/**
 * What is known about functions that are not Postgres' own: which of them can change what a session holds. Learned from
 * the catalogue, one question per unknown name. It only spares an inspection: a connection on which an unknown function
 * ran is reset before another session gets it, whatever is believed here.
 */
import { BackendCode, decodeDataRow, encodeQuery } from '@postern/wire';
import type { Clock } from './clock.ts';
import { createErrand } from './errand.ts';
import { quoteLiteral } from './label.ts';
import { MessageCollector } from './message-collector.ts';
import type { ServerConnection } from './server-connection.ts';

export interface FunctionKnowledge {
  isHarmless(name: string): boolean;
  /** Names of custom settings that known functions mention. */
  readonly customSettings: ReadonlySet<string>;
  /** Asks about the names that were unknown. `server` must be between segments. */
  learn(server: ServerConnection): void;
}

const maxNames = 2_000;
/** Functions are replaced now and then: what was learned is forgotten after this. */
const lifetimeMs = 60_000;
const text = new TextDecoder();

export function createFunctionKnowledge(clock: Clock): FunctionKnowledge {
  const harmless = new Map<string, boolean>();
  const unknown = new Set<string>();
  const customSettings = new Set<string>();
  let learnedAt = clock.now();

  return {
    customSettings,
    isHarmless(name) {
      if (clock.now() - learnedAt > lifetimeMs) {
        harmless.clear();
        learnedAt = clock.now();
      }
      const answer = harmless.get(name);
      if (answer === undefined && unknown.size < maxNames) unknown.add(name);
      return answer === true;
    },
    learn(server) {
      if (unknown.size === 0) return;
      const names = [...unknown].slice(0, 100);
      unknown.clear();
      if (harmless.size > maxNames) harmless.clear();
      const collector = new MessageCollector((code, body) => {
        if (code !== BackendCode.DataRow) return;
        const [name, answer, custom] = decodeDataRow(body).map((cell) => (cell === null ? '' : text.decode(cell)));
        harmless.set(name!, answer === 't');
        for (const setting of custom!.split(' '))
          if (setting !== '' && customSettings.size < 32) customSettings.add(setting);
      });
      server.sendQuery(
        encodeQuery(question(names)),
        createErrand({
          receive: (bytes, start, end) => collector.push(bytes, start, end),
          ready: () => {},
          lost: () => {},
        }),
        0,
      );
    },
  };
}

/**
 * A function is harmless when every function of that name is C or internal code of an extension, or its source mentions
 * nothing that changes a session, and it has no settings of its own that it could leave behind.
 */
function question(names: readonly string[]): string {
  const list = names.map(quoteLiteral).join(', ');
  return `SELECT p.proname, pg_catalog.bool_and(l.lanname IN ('c', 'internal') OR p.prosrc !~* ${quoteLiteral(suspicious)}),
      pg_catalog.string_agg((SELECT pg_catalog.string_agg(pg_catalog.lower(m[1]), ' ')
        FROM pg_catalog.regexp_matches(p.prosrc, '''([A-Za-z_]\\w*\\.\\w+)''', 'g') m), ' ')
    FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_language l ON l.oid = p.prolang
    WHERE p.proname IN (${list}) AND p.oid >= 16384 AND NOT EXISTS (
      SELECT FROM pg_catalog.pg_proc b WHERE b.proname = p.proname AND b.oid < 16384)
    GROUP BY p.proname`;
}

const suspicious: string =
  'set_config|setseed|advisory|temp|listen|execute|discard|reset|dblink|load|cursor|\\mset\\M|\\mcall\\M|perform|select\\s+\\w+\\s*\\(';
