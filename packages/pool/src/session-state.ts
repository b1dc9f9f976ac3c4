/**
 * What one session holds in Postgres beyond its transactions: settings, channels, objects. The settings and channels are a
 * label that can be replayed on any connection; objects pin the session to the one that has them.
 * Nothing here is guessed from SQL but the occasion to ask (reference/pooling.md §2.11).
 */
import { decodeErrorFields } from '@postern/wire';
import { CustomSettings } from './custom-settings.ts';
import { createErrand } from './errand.ts';
import { errorMessage } from './error-message.ts';
import { PoolError } from './errors.ts';
import { type Holdings, inspect } from './inspection.ts';
import type { Label } from './label.ts';
import { encodingOf, type ServerConnection } from './server-connection.ts';
import type { PooledSession } from './session.ts';
import type { Startup } from './session-opening.ts';
import type { TextFacts } from './text-facts.ts';

/** How long a session that needs a pin waits for one to become free, and how often it looks. */
const pinWaitMs = 1_000;
const pinRetryMs = 10;
/** How often a session is asked about before it keeps its connection, whatever it has. */
const maxInspections = 3;

/** What has to be asked once the transaction is over. */
const Touched = { Holdings: 1, Channels: 2 } as const;

export class SessionState {
  label: Label;
  /** Start-up parameters that differ from the server's defaults: what RESET goes back to. */
  baseline: ReadonlyMap<string, string> = new Map();
  /** The session must not be read on until an errand is done. */
  isBusy = false;
  /** The settings were refused by a connection, and another one is tried. */
  private wasRefused = false;
  /** Something in this transaction changed how text is parsed, in a way the label does not tell. */
  hasLocalSettings = false;
  /** Something may have changed how constants are read, in a way the label does not tell yet. */
  areConstantsInDoubt = false;
  /** Everything that ran was sure to leave nothing that could be noticed afterwards, not even by the session itself. */
  isUntouched = true;

  private readonly session: PooledSession;
  private touched = 0;
  private isInspecting = false;
  private failedInspections = 0;
  private hasChangedSchema = false;
  private objects: readonly string[] = [];
  private permanent: string[] | undefined;
  /** Since the last inspection, by code that is not looked into. */
  private mayHavePrepared = false;
  /** Since the last inspection; others see it once the transaction is over. */
  private hasChangedFunctions = false;
  /** Functions that have run and are not known to be harmless. */
  private called: Set<string> | undefined;
  readonly customSettings: CustomSettings = new CustomSettings();

  constructor(session: PooledSession) {
    this.session = session;
    this.label = session.pool.labels.none;
  }

  /** Nothing has been set that has not been asked about. */
  get isSettled(): boolean {
    return this.touched === 0 && !this.isInspecting && !this.hasLocalSettings;
  }

  /** It has something that no other connection can be given. */
  get hasObjects(): boolean {
    return this.objects.length > 0 || this.permanent !== undefined;
  }

  /** A text is about to run on `server`; `parameter` tells the value of one by its number, if it is known. */
  touch(server: ServerConnection, text: TextFacts, parameter?: (number: number) => string | undefined): void {
    const { traits } = text;
    if (!isTraceless(text)) this.isUntouched = false;
    if (text.notifies || traits.unknownFunctions.length > 0)
      this.session.pool.listener.mayHaveSent(server.processId, this.session);
    if (text.setsLocal) this.hasLocalSettings = true;
    if (text.changesConstants) this.areConstantsInDoubt = true;
    if (text.changesFunctions) this.hasChangedFunctions = true;
    if (text.changesSchema) this.mayChangeSchema(true);
    if (text.changesDatabase) this.session.context.closeIdleElsewhere(this.session.pool);
    this.session.riding.uses(text);
    if (traits.clean) return;
    server.isDirty = true;
    if (traits.inspectBeyondFunctions) {
      const unseen = this.customSettings.set(text, parameter);
      if (unseen !== undefined) this.keepFor(unseen);
    }
    const areHarmless = this.areHarmless(traits.unknownFunctions);
    if (traits.inspect && (traits.inspectBeyondFunctions || !areHarmless)) this.touched |= Touched.Holdings;
    // DO, CALL, and whatever a function does
    if (traits.changesSchema || !areHarmless) this.mayHavePrepared = true;
    if (traits.listens) this.touched |= Touched.Holdings | Touched.Channels;
    if (traits.permanent !== undefined) {
      this.keepFor(traits.permanent);
      this.touched |= Touched.Holdings;
    }
  }

  /** What others learn of the schema before the transaction is over may be wrong afterwards, so it is told twice. */
  private mayChangeSchema(isUnderWay: boolean): void {
    this.hasChangedSchema = isUnderWay;
    this.session.context.schemaChanged(this.session.pool);
  }

  /** Something was left that neither inspection nor reset sees. */
  private keepFor(reason: string): void {
    this.permanent ??= [];
    if (!this.permanent.includes(reason)) this.permanent.push(reason);
  }

  /** Anything may have happened (FunctionCall, a text too large to look at). */
  touchAll(server: ServerConnection): void {
    server.isDirty = true;
    this.isUntouched = false;
    this.areConstantsInDoubt = true;
    this.session.riding.isSegmentShareable = false;
    this.touched |= Touched.Holdings;
  }

  private areHarmless(names: readonly string[]): boolean {
    const { functions } = this.session.pool;
    let areHarmless = true;
    for (const name of names) {
      if (functions.isHarmless(name)) continue;
      areHarmless = false;
      this.called ??= new Set();
      this.called.add(name);
    }
    return areHarmless;
  }

  /** Postgres was asked about the functions: what those that ran have left. */
  private learned(): void {
    if (this.called === undefined) return;
    for (const name of this.called) {
      const effect = this.session.pool.functions.permanentEffect(name);
      if (effect !== undefined) this.keepFor(`${effect} in ${name}`);
    }
    this.called = undefined;
  }

  /** Brings a newly lent connection to this session's label, in the same write as what follows. */
  prepare(server: ServerConnection): void {
    const { session } = this;
    const { serverReset } = session.context.limits;
    const isSameLabel = server.label === this.label;
    if (server.lastUser === session && isSameLabel) return;
    server.lastUser = session;
    if (serverReset === 'never' || (serverReset === 'dirty' && isSameLabel && !server.isDirty)) return;
    this.reset(server);
  }

  // Apart from `prepare`, which is called for every lease: closures cost where they could be made, too.
  private reset(server: ServerConnection): void {
    const mustWait = server.label.isHazardous || this.label.mayBeRefused;
    server.label = this.label;
    server.isDirty = false;
    let failure: Uint8Array | undefined;
    const failed = (bytes: Uint8Array, start: number, end: number): void => {
      failure = bytes.slice(start, end);
    };
    if (this.label.encodingQuery !== undefined && encodingOf(server) !== 'UTF8')
      server.sendQuery(this.label.encodingQuery, createErrand({ failed, ready() {}, lost() {} }));
    server.sendQuery(
      this.label.resetQuery,
      createErrand({
        failed,
        ready: () => {
          if (mustWait) this.prepared(server, failure);
          else if (failure !== undefined) this.cannotPrepare(server, failure);
        },
        lost: () => {
          this.isBusy = false;
        },
      }),
    );
    if (mustWait) this.isBusy = true;
  }

  private prepared(server: ServerConnection, failure: Uint8Array | undefined): void {
    if (this.session.server !== server) return;
    this.isBusy = false;
    if (failure !== undefined) {
      if (this.wasRefused) this.cannotPrepare(server, failure);
      else {
        this.wasRefused = this.label.mayBeRefused;
        this.session.lease.retry(server);
      }
      return;
    }
    this.wasRefused = false;
    if (this.session.phase === 'opening') this.session.opening.continueOn(server);
    else this.session.errandDone();
  }

  /** The session's own settings are refused, and what follows with them. */
  private cannotPrepare(server: ServerConnection, failure: Uint8Array): void {
    const reason = decodeErrorFields(failure.subarray(5)).message;
    this.session.context.log({ event: 'session_state_refused', session: this.session.name, error: reason });
    if (this.session.server === server) {
      this.session.fail(
        errorMessage(
          'FATAL',
          '',
          new PoolError({
            code: 'session_state_lost',
            sqlstate: '08006',
            message: `the session's settings could not be restored on another server connection: ${reason}`,
            safeToRetry: false,
          }),
        ),
      );
    }
    server.destroy();
  }

  /** What the start-up parameters have come to. */
  start(startup: Startup): void {
    this.label = startup.label;
    this.baseline = startup.label.settings;
  }

  // --- at the end of a transaction ---

  /** True: the connection must be kept, because an answer is awaited or the session is pinned to it. */
  settle(server: ServerConnection): boolean {
    this.hasLocalSettings = false;
    if (this.isInspecting) return true;
    if (this.touched !== 0) {
      this.inspectNow(server, undefined);
      return true;
    }
    this.areConstantsInDoubt = false;
    if (this.session.learnsStatements(server)) return true;
    return this.hasObjects;
  }

  /** Whether the ReadyForQuery must wait until what the caller listens on is really listened on. */
  mustHoldReady(server: ServerConnection): boolean {
    if ((this.touched & Touched.Channels) === 0 || server.owed.length > 0 || this.isInspecting) return false;
    this.holdReady(server);
    return true;
  }

  private holdReady(server: ServerConnection): void {
    this.isBusy = true;
    this.inspectNow(server, () => {
      this.isBusy = false;
      this.session.giveHeldReady(server);
    });
  }

  /** The functions that ran first: what they are known to set is asked about by name. */
  private inspectNow(server: ServerConnection, andThen: (() => void) | undefined): void {
    const { functions } = this.session.pool;
    if (this.hasChangedFunctions) functions.forget();
    this.hasChangedFunctions = false;
    const isLearning = functions.learn(server, () => {
      if (this.session.server !== server) return;
      this.isInspecting = false;
      if (server.isQuiet) this.inspectHoldings(server, andThen);
      // Otherwise the caller has sent more, and what that leaves is asked about with it.
    });
    if (isLearning) this.isInspecting = true;
    else this.inspectHoldings(server, andThen);
  }

  private inspectHoldings(server: ServerConnection, andThen: (() => void) | undefined): void {
    this.touched = 0;
    this.isInspecting = true;
    const { session } = this;
    if (this.hasChangedSchema) this.mayChangeSchema(false);
    for (const name of session.pool.functions.customSettings) this.customSettings.suspect(name);
    const asked = this.customSettings.take();
    const questions = { customSettings: asked, statements: this.mayHavePrepared };
    this.mayHavePrepared = false;
    inspect(server, session.pool.identity.user, questions, (holdings, failure) => {
      this.customSettings.keep(asked, holdings?.settings);
      this.isInspecting = false;
      if (session.server !== server) return;
      if (holdings === undefined) this.mayHavePrepared ||= questions.statements;
      if (holdings === undefined && ++this.failedInspections < maxInspections) {
        this.touched |= Touched.Holdings;
        // Where nobody waits for the answer: once the connection is between segments again.
        if (andThen === undefined) session.errandDone();
        else this.inspectNow(server, andThen);
        return;
      }
      this.failedInspections = 0;
      this.learned();
      if (holdings === undefined) this.keepFor(`session state could not be read: ${failure}`);
      else this.hold(server, holdings);
      if (!this.pin(server)) return;
      const channels = session.notifications.isAlone ? [] : this.label.channels;
      session.pool.listener.listen(session, channels, (isListening) => {
        if (session.phase === 'closed') return;
        if (!isListening) this.listenAlone();
        andThen?.();
        session.errandDone();
      });
    });
  }

  /** Nobody else can listen for the session: its channels are a reason to pin it. */
  private listenAlone(): void {
    const { session } = this;
    session.notifications.isAlone = true;
    this.permanent ??= [];
    this.permanent.push('LISTEN');
    this.touched |= Touched.Holdings;
    if (session.server === undefined && !session.lease.isWaiting && session.lease.take()) session.lease.mayEnd();
  }

  private hold(server: ServerConnection, holdings: Holdings): void {
    const { session } = this;
    this.label = session.pool.labels.intern(holdings.settings, holdings.channels);
    server.label = this.label;
    this.objects = holdings.objects;
    for (const reason of holdings.permanent) this.keepFor(reason);
    this.areConstantsInDoubt = this.touched !== 0;
    session.forwarder.statementForwarder.supply.settled(this.label.constants);
  }

  /** Pins or unpins as the session's objects demand. False: there is no room for a pin, the session is over. */
  private pin(server: ServerConnection, waitUntil: number = this.session.context.clock.now() + pinWaitMs): boolean {
    const { session } = this;
    const reasons = [...this.objects, ...(this.permanent ?? [])];
    if (reasons.length === 0) {
      session.pool.unpin(server);
      return true;
    }
    const { clock } = session.context;
    if (session.pool.pin(server, { session: session.name, reasons, since: clock.now() })) return true;
    if (clock.now() < waitUntil) {
      // Another session may have let go already, and Postgres is only being asked about it. The lease stays meanwhile.
      clock.after(pinRetryMs, () => {
        if (session.server !== server || session.isOver || this.isInspecting) return;
        this.pin(server, waitUntil);
      });
      return true;
    }
    session.fail(
      errorMessage(
        'FATAL',
        '',
        new PoolError({
          code: 'pin_limit',
          sqlstate: '53400',
          message: `too many sessions hold state that keeps a server connection (limit ${session.context.limits.maxPinned}): ${reasons.join(', ')}`,
          hint: 'Raise max_pinned, or release temporary tables, advisory locks and WITH HOLD cursors sooner.',
          safeToRetry: false,
        }),
      ),
    );
    return false;
  }

  // --- the end ---

  serverLost(): void {
    this.isBusy = false;
    this.isInspecting = false;
  }

  /** The session is gone; `server` was lent to it. */
  leave(server: ServerConnection): void {
    const { session } = this;
    this.learned();
    const isKnown = this.touched === 0 && !this.isInspecting && !this.isBusy;
    if (this.permanent !== undefined) {
      session.pool.discard(server, session.lease);
      return;
    }
    if (
      isKnown &&
      this.objects.length === 0 &&
      server.isQuiet &&
      server.status === 0x49 &&
      server.cancelsInFlight === 0
    ) {
      session.pool.release(server, session.lease);
      return;
    }
    server.label = session.pool.labels.unknown;
    server.isDirty = true;
    server.mayHaveStrangeStatements = this.mayHavePrepared || this.isInspecting;
    session.pool.recover(server, session.lease);
  }

  close(): void {
    if (this.label.channels.length > 0) this.session.pool.listener.forget(this.session);
  }
}

function isTraceless({ traits, notifies, setsLocal, changesDatabase }: TextFacts): boolean {
  return traits.clean && traits.prepared.length === 0 && !notifies && !setsLocal && !changesDatabase;
}
