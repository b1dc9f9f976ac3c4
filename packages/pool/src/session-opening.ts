/**
 * The beginning of a session: its start-up parameters are applied on a real connection, so that Postgres accepts or refuses
 * them, and asked back in the form Postgres gives them (reference/pooling.md §2.11).
 */
import { decodeErrorFields, encodeErrorResponse, encodeQuery } from '@postern/wire';
import { createErrand } from './errand.ts';
import { inspect } from './inspection.ts';
import { type Label, replaySql } from './label.ts';
import { isOfStandby, type ParameterSet } from './parameter-set.ts';
import type { ServerConnection } from './server-connection.ts';
import type { PooledSession } from './session.ts';

/** What a start-up came to: the same parameters need not be asked about twice. */
export interface Startup {
  readonly label: Label;
  readonly parameters: ParameterSet;
}

export class SessionOpening {
  private readonly session: PooledSession;
  private wanted: { readonly parameters: ReadonlyMap<string, string>; done(startup: Startup): void } | undefined;

  constructor(session: PooledSession) {
    this.session = session;
  }

  /** Applies start-up parameters; a refused one ends the session with Postgres' own words. */
  begin(parameters: ReadonlyMap<string, string>, done: (startup: Startup) => void): void {
    this.wanted = { parameters, done };
    for (const name of parameters.keys()) if (name.includes('.')) this.session.state.customSettings.add(name);
    this.session.lease.take();
  }

  /** The session has a connection, and it is reset. */
  continueOn(server: ServerConnection): void {
    const { wanted, session } = this;
    const { state } = session;
    if (wanted === undefined || state.isBusy) return;
    const { parameters } = wanted;
    if (parameters.size === 0 && !isOfStandby(server.parameters)) {
      this.finish(server, state.label);
      return;
    }
    state.isBusy = true;
    let failure: Uint8Array | undefined;
    server.sendQuery(
      encodeQuery(replaySql(parameters)),
      createErrand({
        failed: (bytes, start, end) => {
          failure = bytes.slice(start, end);
        },
        ready: () => {
          if (failure === undefined) {
            const asked = state.customSettings.take();
            inspect(server, session.pool.identity.user, { customSettings: asked, statements: false }, (holdings) => {
              state.customSettings.keep(asked, holdings?.settings);
              state.isBusy = false;
              this.finish(server, session.pool.labels.intern(holdings?.settings ?? parameters, []));
            });
            return;
          }
          state.isBusy = false;
          session.fail(asFatal(failure));
        },
        lost: () => {},
      }),
    );
  }

  private finish(server: ServerConnection, label: Label): void {
    const { wanted, session } = this;
    if (wanted === undefined || session.phase !== 'opening') return;
    this.wanted = undefined;
    server.label = label;
    const startup: Startup = { label, parameters: server.parameters };
    session.state.start(startup);
    wanted.done(startup);
    // What the caller sent meanwhile goes first: the connection is not given away and asked for again.
    session.errandDone();
  }
}

/** The same ErrorResponse with severity FATAL, as Postgres reports a bad start-up parameter. */
function asFatal(message: Uint8Array): Uint8Array {
  const { where: _, ...fields } = decodeErrorFields(message.subarray(5));
  return encodeErrorResponse({ ...fields, severity: 'FATAL', severityNonLocalized: 'FATAL' });
}
