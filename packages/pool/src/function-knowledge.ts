/**
 * What is known about functions that are not Postgres' own: which of them can change what a session holds, and which leave
 * what no inspection sees. Learned from the catalogue, one question per unknown name. A connection on which an unknown
 * function ran is reset before another session gets it, whatever is believed here.
 */
import { BackendCode, decodeDataRow, encodeQuery } from '@postern/wire';
import type { Clock } from './clock.ts';
import { createErrand } from './errand.ts';
import { quoteLiteral } from './label.ts';
import { MessageCollector } from './message-collector.ts';
import type { ServerConnection } from './server-connection.ts';
import { permanentFunctions } from './sql/sensitive-functions.ts';

export interface FunctionKnowledge {
  isHarmless(name: string): boolean;
  /** What calling it leaves that neither inspection nor reset sees or removes; undefined: nothing, or not known yet. */
  permanentEffect(name: string): string | undefined;
  /** Names of custom settings that known functions mention. */
  readonly customSettings: ReadonlySet<string>;
  /** Asks about the names that were unknown, if any: then true, and `done` is called. `server` must be between segments. */
  learn(server: ServerConnection, done: () => void): boolean;
  /** Functions were made, or made anew. */
  forget(): void;
}

const maxNames = 2_000;
/** Functions are replaced now and then: what was learned is forgotten after this. */
const lifetimeMs = 60_000;
const text = new TextDecoder();

interface Known {
  readonly isHarmless: boolean;
  readonly permanentEffect: string | undefined;
}

export function createFunctionKnowledge(clock: Clock): FunctionKnowledge {
  const known = new Map<string, Known>();
  const unknown = new Set<string>();
  const customSettings = new Set<string>();
  let learnedAt = clock.now();
  /** What was asked in an earlier one may be answered as it was then. */
  let lives = 0;

  return {
    customSettings,
    isHarmless(name) {
      if (clock.now() - learnedAt > lifetimeMs) {
        known.clear();
        learnedAt = clock.now();
      }
      const answer = known.get(name);
      if (answer === undefined && unknown.size < maxNames) unknown.add(name);
      return answer?.isHarmless === true;
    },
    permanentEffect: (name) => known.get(name)?.permanentEffect,
    forget() {
      known.clear();
      lives++;
    },
    learn(server, done) {
      if (unknown.size === 0) return false;
      const names = [...unknown].slice(0, 100);
      unknown.clear();
      if (known.size > maxNames) known.clear();
      const life = lives;
      const collector = new MessageCollector((code, body) => {
        if (code !== BackendCode.DataRow || life !== lives) return;
        const [name, answer, permanent, custom] = decodeDataRow(body).map((cell) =>
          cell === null ? '' : text.decode(cell),
        );
        known.set(name!, { isHarmless: answer === 't', permanentEffect: permanent === '' ? undefined : permanent });
        for (const setting of custom!.split(' '))
          if (setting !== '' && customSettings.size < 32) customSettings.add(setting);
      });
      server.sendQuery(
        encodeQuery(question(names)),
        createErrand({
          receive: (bytes, start, end) => collector.push(bytes, start, end),
          ready: done,
          lost: () => {},
        }),
        0,
      );
      return true;
    },
  };
}

/**
 * A function is harmless when every function of that name is C code of an extension, or its source mentions nothing that
 * changes a session. One without a source is another name for a function of Postgres' own, or has a body in SQL's own form.
 */
function question(names: readonly string[]): string {
  const list = names.map(quoteLiteral).join(', ');
  return `SELECT p.proname, pg_catalog.bool_and(l.lanname = 'c'
        OR (l.lanname <> 'internal' AND p.prosrc <> '' AND p.prosrc !~* ${quoteLiteral(suspicious)})),
      pg_catalog.min((pg_catalog.regexp_match(f.source, ${quoteLiteral(permanentPattern)}, 'i'))[1]),
      pg_catalog.string_agg((SELECT pg_catalog.string_agg(pg_catalog.lower(m[1]), ' ')
        FROM pg_catalog.regexp_matches(f.source, '''([A-Za-z_]\\w*\\.\\w+)''', 'g') m), ' ')
    FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_language l ON l.oid = p.prolang,
      LATERAL (SELECT CASE WHEN p.prosrc = '' AND p.prokind IN ('f', 'p') THEN pg_catalog.pg_get_functiondef(p.oid)
        ELSE p.prosrc END AS source) f
    WHERE p.proname IN (${list}) AND p.oid >= 16384 AND NOT EXISTS (
      SELECT FROM pg_catalog.pg_proc b WHERE b.proname = p.proname AND b.oid < 16384)
    GROUP BY p.proname`;
}

const permanentPattern: string = `(${permanentFunctions.join('|')}|\\mset\\s+(?:session\\s+|local\\s+)?seed\\M|'seed'|\\mload\\s*')`;

const suspicious: string =
  'set_config|setseed|advisory|temp|listen|execute|discard|reset|dblink|load|cursor|\\mset\\M|\\mcall\\M|perform|select\\s+\\w+\\s*\\(';
