import { assert } from '@k-lani/base';
import { KLaniError } from '@k-lani/protocol';
import { BackOff, type BackOffLimits } from './back-off.ts';
import type { Environment } from './environment.ts';
import type { Outbox } from './outbox.ts';
import { Session, type SessionEnd, type SessionEvents } from './session.ts';
import type { Transport } from './transport.ts';

/** What a keeper is made from. */
export interface SessionKeeperOptions {
  readonly url: string;
  readonly transport: Transport;
  readonly environment: Environment;
  readonly outbox: Outbox;
  readonly backOff: BackOffLimits;
  /** How long an attempt may take until the session is ready. */
  readonly attemptMsMax: number;
}

/** Told of the sessions, one after the other. */
export interface SessionKeeperEvents extends Pick<SessionEvents, 'answered' | 'relieved'> {
  /** The link of a new session is open; the session is ready when this is done, or lost when it fails. */
  greet(session: Session): Promise<void>;
  ready(session: Session): void;
  /** A session ended, ready or not. */
  lost(end: SessionEnd): void;
}

/** Keeps one session: when it ends, or cannot begin, makes the next one after a delay, until it is stopped. */
export class SessionKeeper {
  readonly #options: SessionKeeperOptions;
  readonly #events: SessionKeeperEvents;
  readonly #backOff: BackOff;
  readonly #stopped = Promise.withResolvers<void>();
  #isStopped = false;
  #session: Session | undefined;
  #stopTimer: () => void = () => {};

  constructor(options: SessionKeeperOptions, events: SessionKeeperEvents) {
    this.#options = options;
    this.#events = events;
    this.#backOff = new BackOff(options.backOff, options.environment.random);
  }

  /** Begins the first session. */
  start(): void {
    assert(this.#session === undefined && !this.#isStopped, 'SessionKeeper.start(): it was started before');
    this.#dial();
  }

  /** Ends the present session at once and makes no other. Fulfilled when its link is closed. */
  stop(): Promise<void> {
    this.#isStopped = true;
    this.#stopTimer();
    if (this.#session === undefined) this.#stopped.resolve();
    else this.#session.fail(new KLaniError('Closed', 'The client was closed'));
    return this.#stopped.promise;
  }

  readonly #dial = (): void => {
    const { url, transport, environment, outbox, attemptMsMax } = this.#options;
    const events: SessionEvents = {
      answered: this.#events.answered,
      relieved: this.#events.relieved,
      opened: (session) => void this.#greet(session),
      ended: (session, end) => this.#ended(session, end),
    };
    const session = new Session({ url, transport, environment, outbox, events });
    this.#session = session;
    this.#stopTimer = environment.startTimer(attemptMsMax, () =>
      session.fail(new KLaniError('ConnectionLost', `Cannot connect to ${url}: there is no session after ${attemptMsMax} ms`)),
    );
  };

  async #greet(session: Session): Promise<void> {
    try {
      await this.#events.greet(session);
    } catch (error) {
      session.fail(error instanceof KLaniError ? error : new KLaniError('Protocol', 'Cannot begin session', { cause: error }));
      return;
    }
    if (session !== this.#session || this.#isStopped) return;
    this.#stopTimer();
    this.#backOff.reset();
    this.#events.ready(session);
  }

  #ended(session: Session, end: SessionEnd): void {
    assert(session === this.#session, 'SessionKeeper: another session than the present one ended');
    this.#session = undefined;
    this.#stopTimer();
    if (!this.#isStopped) this.#stopTimer = this.#options.environment.startTimer(this.#backOff.nextMs(), this.#dial);
    this.#events.lost(end);
    if (this.#isStopped) this.#stopped.resolve();
  }
}
