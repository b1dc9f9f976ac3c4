/**
 * Which segments may run between those of other sessions on one server connection: a single Query, or Parse … Sync, of
 * texts that are one plain autocommit query each, leave no trace in the session and call nothing but harmless functions.
 */
import { FrontendCode } from '@postern/wire';
import { indexOfZero } from './byte-buffer.ts';
import type { Forwarder } from './forwarding.ts';
import type { Pool } from './pool.ts';
import type { RelationKnowledge } from './relation-knowledge.ts';
import { nameKey } from './session-statements.ts';
import type { TextFacts } from './text-facts.ts';

/** Whether a text may share a connection, at least with others behind it. */
export function isShareableText(text: TextFacts): boolean {
  return text.traits.multiplexable && text.traits.clean && !text.notifies && !text.setsLocal;
}

/** Of what may have to wait for somebody. */
const unknownMs = 1_000;

/** How long it is expected to keep others waiting, milliseconds. */
export function expectedMs(text: TextFacts): number {
  return text.locksRows ? unknownMs : text.pace.ms;
}

/**
 * What is known of the segment that `bytes[at..end)` begins with, if it is whole and may share a connection: of its texts
 * the slowest. undefined: it may not.
 */
export function shareableText(
  forwarder: Forwarder,
  { texts, relations }: Pool,
  bytes: Uint8Array,
  at: number,
  end: number,
): TextFacts | undefined {
  let slowest: TextFacts | undefined;
  let hasUnnamed = false;
  for (let i = at; end - i >= 5; ) {
    const code = bytes[i]!;
    const next = i + 1 + (((bytes[i + 1]! << 24) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 8) | bytes[i + 4]!) >>> 0);
    if (next > end) return undefined;
    switch (code) {
      case FrontendCode.Query:
        return i === at ? mobile(texts.facts(bytes, i + 5, next - 1), relations) : undefined;
      case FrontendCode.Parse: {
        const nameEnd = indexOfZero(bytes, i + 5);
        const sqlEnd = indexOfZero(bytes, nameEnd + 1);
        if (nameEnd < 0 || sqlEnd < 0 || sqlEnd >= next) return undefined;
        const text = mobile(texts.intern(bytes, nameEnd + 1, next, sqlEnd), relations);
        if (text === undefined) return undefined;
        slowest = slower(slowest, text);
        if (nameEnd === i + 5) hasUnnamed = true;
        break;
      }
      case FrontendCode.Bind: {
        const portalEnd = indexOfZero(bytes, i + 5);
        const nameEnd = indexOfZero(bytes, portalEnd + 1);
        if (portalEnd < 0 || nameEnd < 0 || nameEnd >= next) return undefined;
        if (nameEnd === portalEnd + 1) {
          if (hasUnnamed) break;
          const { current } = forwarder.statementForwarder.unnamed.statement;
          if (current === undefined || mobile(current.text, relations) === undefined) return undefined;
          slowest = slower(slowest, current.text);
          break;
        }
        const statement = forwarder.statementForwarder.names.get(nameKey(bytes, portalEnd + 1, nameEnd));
        if (statement === undefined || mobile(statement.text, relations) === undefined) return undefined;
        slowest = slower(slowest, statement.text);
        break;
      }
      case FrontendCode.Describe:
      case FrontendCode.Execute:
      case FrontendCode.Flush:
        break;
      case FrontendCode.Sync:
        return slowest;
      default:
        return undefined;
    }
    i = next;
  }
  return undefined;
}

/** Where the segment that begins at `at` ends; it is here whole, and one of those above. */
export function segmentEnd(bytes: Uint8Array, at: number): number {
  for (let i = at; ; ) {
    const code = bytes[i];
    i += 1 + ((bytes[i + 1]! << 24) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 8) | bytes[i + 4]!);
    if (code === FrontendCode.Sync || code === FrontendCode.Query) return i;
  }
}

/** What rides may have to be sent once more, elsewhere. */
function mobile(text: TextFacts, relations: RelationKnowledge): TextFacts | undefined {
  return isShareableText(text) && relations.arePlain(text) ? text : undefined;
}

function slower(a: TextFacts | undefined, b: TextFacts): TextFacts {
  return a !== undefined && expectedMs(a) > expectedMs(b) ? a : b;
}
