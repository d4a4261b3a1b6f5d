/** The sessions of one service, whatever their connections come over. */
import { KLaniError } from '@k-lani/protocol';
import type { Service } from './service.ts';
import { Session } from './session.ts';
import type { AcceptedWire } from './wire.ts';

/** Connections beyond `maxConnections` that are told so at a time; the others are closed without a word. */
const REFUSED_MAX = 64;

/** After which time a refused connection is worth trying again, milliseconds. */
const REFUSED_RETRY_MS = 1000;

export class Sessions {
  readonly #service: Service;
  readonly #sessions = new Set<Session>();
  #number = 0;
  /** Those of the sessions that are only told that there are too many. */
  #refusedCount = 0;
  #isEnding = false;
  #onEmpty: (() => void) | undefined;

  constructor(service: Service) {
    this.#service = service;
  }

  /** Connections now. */
  get size(): number {
    return this.#sessions.size;
  }

  /** Makes a session of a connection, or refuses it. */
  accept(wire: AcceptedWire): void {
    const { config, counters, log } = this.#service;
    const openCount = this.#sessions.size - this.#refusedCount;
    const isRefused = openCount >= config.maxConnections;
    if (isRefused) counters.connectionsRefused += 1;
    else counters.connections += 1;
    if (this.#isEnding || (isRefused && this.#refusedCount >= REFUSED_MAX)) {
      wire.destroy();
      return;
    }
    this.#number += 1;
    const refusal = isRefused ? tooManyConnections(openCount, config.maxConnections) : undefined;
    const onGone = (): void => this.#forget(session, isRefused);
    const session = new Session(this.#service, wire, { number: this.#number, refusal, onGone });
    if (isRefused) this.#refusedCount += 1;
    this.#sessions.add(session);
    this.#service.sessionCount = this.#sessions.size;
    log.debug({ session: session.number, peer: wire.peer }, 'connected');
    wire.attach(session);
  }

  /** Ends what does not move any more. Called now and then. */
  look(nowMs: number): void {
    for (const session of this.#sessions) session.look(nowMs);
  }

  /** Takes no more connections and requests; resolves when what was begun is answered and every connection is over. Called once. */
  async end(): Promise<void> {
    this.#isEnding = true;
    const empty = new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
    for (const session of this.#sessions) session.end();
    if (this.#sessions.size > 0) await empty;
  }

  #forget(session: Session, wasRefused: boolean): void {
    this.#sessions.delete(session);
    this.#service.sessionCount = this.#sessions.size;
    if (wasRefused) this.#refusedCount -= 1;
    this.#service.log.debug({ session: session.number }, 'gone');
    if (this.#sessions.size === 0) this.#onEmpty?.();
  }
}

function tooManyConnections(count: number, maxConnections: number): KLaniError {
  return new KLaniError('LimitReached', `Cannot take connection: ${count} are open, maxConnections is ${maxConnections}`, {
    retryAfterMs: REFUSED_RETRY_MS,
  });
}
