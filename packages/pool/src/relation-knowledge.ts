/**
 * Which relations only say what is stored. A rider's query may be sent elsewhere while the server process that has read it
 * still runs it (riding.ts), so it must not matter that it runs twice: nothing behind its names may write. The catalogue is
 * asked by names, whatever their schema; the definitions of views and policies say which functions they call.
 */
import { BackendCode, decodeDataRow, decodeText, encodeQuery } from '@postern/wire';
import { createErrand } from './errand.ts';
import { MessageCollector } from './message-collector.ts';
import type { ServerConnection } from './server-connection.ts';
import type { TextFacts } from './text-facts.ts';
import type { Turns } from './turns.ts';

export interface RelationKnowledge {
  /** Whether everything that the text reads is known to be plain. */
  arePlain(text: TextFacts): boolean;
  /** There is something to ask. */
  readonly isDue: boolean;
  /** Asks about the names that were unknown. `server` must be between segments. */
  learn(server: ServerConnection): void;
  /** The schema may have changed. */
  forget(): void;
}

/** Names asked about at once. */
const maxAsked = 1_000;
/** Views are replaced by others than our callers, too: what was learned is asked again after this, and forgotten after twice as long. */
const freshMs = 30_000;
/** Not asked more often: where the schema changes all the time nobody rides. */
const pauseMs = 1_000;

export function createRelationKnowledge(turns: Turns): RelationKnowledge {
  /** Names and whether they are plain, in two generations. */
  let young = new Map<string, boolean>();
  let old = new Map<string, boolean>();
  let youngSince = 0;
  const wanted = new Set<string>();
  let state = 1;
  let askedAt = Number.NEGATIVE_INFINITY;

  function judge(names: readonly string[]): boolean {
    let arePlain = true;
    for (const name of names) {
      let isPlain = young.get(name);
      if (isPlain === undefined) {
        if (wanted.size < maxAsked) wanted.add(name);
        isPlain = old.get(name);
      }
      if (isPlain !== true) arePlain = false;
    }
    return arePlain;
  }

  function age(): void {
    old = turns.startedAt - youngSince > 2 * freshMs ? new Map() : young;
    young = new Map();
    youngSince = turns.startedAt;
    state++;
  }

  return {
    arePlain({ traits: { names }, reads }) {
      if (names.length === 0) return true;
      turns.begin();
      if (turns.startedAt - youngSince > freshMs) age();
      if (reads.asOf !== state) {
        reads.arePlain = judge(names);
        reads.asOf = state;
      }
      return reads.arePlain;
    },
    get isDue() {
      return wanted.size > 0 && turns.startedAt - askedAt >= pauseMs;
    },
    learn(server) {
      const names = [...wanted];
      wanted.clear();
      askedAt = turns.startedAt;
      const generation = young;
      const others = new Set<string>();
      let isAnswered = false;
      const collector = new MessageCollector((code, body) => {
        if (code === BackendCode.CommandComplete) isAnswered = true;
        else if (code === BackendCode.DataRow) others.add(names[Number(decodeText(decodeDataRow(body)[0]!)) - 1]!);
      });
      server.sendQuery(
        encodeQuery(question(names)),
        createErrand({
          receive: (bytes, start, end) => collector.push(bytes, start, end),
          ready: () => {
            // Unless it was forgotten meanwhile; what is then unknown is wanted again as soon as it is met again.
            if (isAnswered && generation === young) for (const name of names) young.set(name, !others.has(name));
            state++;
          },
          lost: () => {
            state++;
          },
        }),
        0,
      );
    },
    forget() {
      young = new Map();
      old = new Map();
      state++;
    },
  };
}

/**
 * The places among `names` of those of a foreign table, or of what calls a volatile function in the definition of a view or a
 * policy, or leads to such by a view, a policy, a partition or an heir. Postgres' own views have no part in it.
 */
function question(names: readonly string[]): string {
  return `WITH RECURSIVE trees (oid, tree) AS NOT MATERIALIZED (
      SELECT w.ev_class, w.ev_action::pg_catalog.text FROM pg_catalog.pg_rewrite w WHERE w.ev_type = '1'
      UNION ALL SELECT p.polrelid, p.polqual::pg_catalog.text FROM pg_catalog.pg_policy p
    ), relations (oid, name, kind) AS NOT MATERIALIZED (
      SELECT c.oid, c.relname, c.relkind FROM pg_catalog.pg_class c WHERE c.oid >= 16384 AND c.relkind IN ('r', 'p', 'v', 'f')
    ), reached (place, oid, kind) AS (
      SELECT n.place, r.oid, r.kind FROM pg_catalog.unnest(ARRAY[${names.map(nameLiteral).join(', ')}])
      WITH ORDINALITY n (name, place) JOIN relations r ON r.name = n.name::pg_catalog.name
      UNION
      SELECT f.place, r.oid, r.kind FROM reached f, LATERAL (
        SELECT i.inhrelid FROM pg_catalog.pg_inherits i WHERE i.inhparent = f.oid
        UNION ALL
        SELECT m[1]::pg_catalog.oid FROM trees t, pg_catalog.regexp_matches(t.tree, E':relid (\\\\d+)', 'g') m
        WHERE t.oid = f.oid) n (oid)
      JOIN relations r ON r.oid = n.oid
    )
    SELECT f.place FROM reached f WHERE f.kind = 'f'
    UNION
    SELECT f.place FROM reached f JOIN trees t ON t.oid = f.oid,
      pg_catalog.regexp_matches(t.tree, E':(?:funcid|opfuncid|aggfnoid|winfnoid) (\\\\d+)', 'g') m
    JOIN pg_catalog.pg_proc p ON p.oid = m[1]::pg_catalog.oid WHERE p.provolatile = 'v'`;
}

/** An SQL string constant that means the same in every client encoding, whatever the settings of strings are. */
function nameLiteral(name: string): string {
  const escaped = name.replace(/[^\w$ .-]/gu, (character) => {
    return `\\U${character.codePointAt(0)!.toString(16).padStart(8, '0')}`;
  });
  return `E'${escaped}'`;
}
