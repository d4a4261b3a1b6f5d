/**
 * A client's way to its server, through as many sessions as it takes.
 *
 * 1. Calls of one turn leave in one write, in their order. Those that cannot be sent yet wait in their order, within named limits.
 * 2. When a session ends, what was in flight is asked again in the next one, before what came later: a read as it is, a write under its
 *    operation id, so that it happens once and gets its first answer.
 * 3. What a deadline, a signal or the end of the client ends early: never sent, it had no effect; a write that was sent may have happened,
 *    and its error says so and carries the operation id.
 * 4. A server that breaks the protocol is not asked the same again: what was in flight ends, and the link with it.
 * 5. When a table was altered, the request is refused before it had an effect: the table is opened again and the request asked again,
 *    once, while other calls wait.
 */
import { assert } from '@k-lani/base';
import { type ByteReader, ERRORS, type HandshakeAnswer, KLaniError, opcodeName } from '@k-lani/protocol';
import type { BackOffLimits } from './back-off.ts';
import type { Call } from './call.ts';
import { DeadlineTimer } from './deadline-timer.ts';
import type { Environment } from './environment.ts';
import { type OpenTable, OpenTables } from './open-tables.ts';
import { OperationIds } from './operation-ids.ts';
import { Outbox } from './outbox.ts';
import { type CallOptions, Request } from './request.ts';
import { SessionKeeper } from './session-keeper.ts';
import { CloseTableCall, DisconnectCall, HandshakeCall, OpenTableCall } from './session-calls.ts';
import type { Session, SessionEnd } from './session.ts';
import type { Transport } from './transport.ts';

/** Bytes of frames that calls without an answer may hold before further calls are refused. */
const PENDING_BYTES_MAX = 64 * 1024 * 1024;

/** The longest time-out of a call, one day. */
export const TIMEOUT_MS_MAX = 86_400_000;

/** What a connection is made from. */
export interface ConnectionOptions {
  readonly url: string;
  readonly transport: Transport;
  readonly environment: Environment;
  readonly clientName: string;
  /** Of a call that names none, and of an attempt to begin a session. */
  readonly timeoutMs: number;
  readonly backOff: BackOffLimits;
  /** Calls without an answer before further calls are refused. */
  readonly pendingCallsMax: number;
}

const SCHEMA_CHANGED = ERRORS.SchemaChanged.number;

export class Connection {
  readonly tables: OpenTables = new OpenTables();
  readonly operationIds: OperationIds;
  /** Rises when a session ends: what belongs to a session remembers its number. */
  sessionNumber = 1;
  readonly #options: ConnectionOptions;
  readonly #outbox = new Outbox();
  readonly #deadlines: DeadlineTimer;
  readonly #keeper: SessionKeeper;
  readonly #opened = Promise.withResolvers<void>();
  /** Calls that are not in flight, in the order in which they will be sent. */
  #waiting = new Set<Request>();
  #session: Session | undefined;
  #server: HandshakeAnswer | undefined;
  /** The session takes calls: its tables are open, and none is being opened again. */
  #isReady = false;
  #wasReady = false;
  #staleTables: Set<OpenTable> | undefined;
  #isTurnOpen = false;
  #turnMs = 0;
  #sequence = 0;
  #pendingCalls = 0;
  #pendingBytes = 0;
  #closed: Promise<void> | undefined;
  #onIdle: (() => void) | undefined;

  constructor(options: ConnectionOptions) {
    const { environment, timeoutMs } = options;
    this.#options = options;
    this.operationIds = new OperationIds(environment.random);
    this.#deadlines = new DeadlineTimer(environment, (nowMs) => this.#expire(nowMs));
    this.#keeper = new SessionKeeper(
      { ...options, outbox: this.#outbox, attemptMsMax: timeoutMs },
      {
        greet: (session) => this.#greet(session),
        ready: () => this.#ready(),
        answered: (request, status, reader, retryAfterMs) => this.#answered(request, status, reader, retryAfterMs),
        relieved: () => this.#sendWaiting(),
        lost: (end) => this.#lost(end),
      },
    );
  }

  /** What the server said of itself in its newest session; there has been one when `open()` is done. */
  get server(): HandshakeAnswer {
    assert(this.#server !== undefined, 'Connection.server: there has been no session');
    return this.#server;
  }

  /**
   * Begins; fulfilled when the first session is ready. If that fails, or the signal fires before, the connection is closed.
   *
   * @throws {KLaniError} `ConnectionLost`, `Aborted`, or what the server refused the handshake with
   */
  open(signal?: AbortSignal): Promise<void> {
    const onAbort = (): void => this.#giveUp(new KLaniError('Aborted', 'Connecting was aborted', { cause: signal?.reason }));
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted === true) onAbort();
    else this.#keeper.start();
    return this.#opened.promise.finally(() => signal?.removeEventListener('abort', onAbort));
  }

  /** Makes a call, about `table` if it is about one; the promise ends with its result, or a `KLaniError`. */
  call<T>(call: Call<T>, options?: CallOptions, table?: OpenTable): Promise<T> {
    const request = new Request(call, table);
    const promise = request.begin();
    try {
      this.#admit(request, options);
    } catch (error) {
      request.reject(error);
    }
    return promise;
  }

  /** Gives something back whose session frees it anyway at its end: nobody waits for it, and it cannot fail. */
  release(call: Call<void>, table?: OpenTable): void {
    if (this.#isReady) this.call(call, undefined, table).then(undefined, () => undefined);
  }

  /** Takes no more calls, waits until those made are answered or reach their deadlines, and ends the session. */
  close(): Promise<void> {
    this.#closed ??= this.#shutDown();
    return this.#closed;
  }

  async #shutDown(): Promise<void> {
    if (this.#pendingCalls > 0) await new Promise<void>((resolve) => (this.#onIdle = resolve));
    if (this.#isReady) await Promise.allSettled([this.#callNow(new DisconnectCall())]);
    this.#deadlines.close();
    await this.#keeper.stop();
  }

  /** There will be no session, or no other one. */
  #giveUp(error: KLaniError): void {
    this.#deadlines.close();
    this.#closed ??= this.#keeper.stop();
    this.#opened.reject(error);
  }

  #admit(request: Request, options: CallOptions | undefined): void {
    const { pendingCallsMax, timeoutMs: timeoutMsDefault } = this.#options;
    if (this.#closed !== undefined) throw closed();
    if (this.#pendingCalls >= pendingCallsMax) throw overloaded(`${pendingCallsMax} calls`);
    if (this.#pendingBytes >= PENDING_BYTES_MAX) throw overloaded(`calls of ${PENDING_BYTES_MAX} bytes`);
    const signal = options?.signal;
    if (signal?.aborted === true) throw this.#abortion(request, signal);
    if (options?.timeoutMs !== undefined) expectTimeout(options.timeoutMs);
    this.#begin(request, options?.timeoutMs ?? timeoutMsDefault);
    const session = this.#session;
    if (this.#isReady && session !== undefined && this.#waiting.size === 0 && session.hasRoom) {
      session.send(request);
    } else {
      this.#outbox.withdraw(request);
      this.#waiting.add(request);
    }
    if (signal !== undefined) request.watch(signal, () => this.#endEarly(request, this.#abortion(request, signal)));
  }

  /** Encodes the frame and counts the call. */
  #begin(request: Request, timeoutMs: number): void {
    this.#openTurn();
    if (this.#outbox.isFull) this.#flush();
    this.#outbox.encode(request, Math.ceil(timeoutMs));
    request.sequence = this.#sequence++;
    request.deadlineMs = this.#turnMs + timeoutMs;
    this.#deadlines.watch(request.deadlineMs, this.#turnMs);
    this.#pendingCalls += 1;
    this.#pendingBytes += request.sizeBytes;
  }

  /** Calls without regard to limits and waiting calls, in the present session. */
  #callNow<T>(call: Call<T>): Promise<T> {
    const request = new Request(call, undefined);
    const promise = request.begin();
    const session = this.#session;
    if (session === undefined) {
      request.reject(new KLaniError('ConnectionLost', `Cannot send ${opcodeName(request.opcode)}: the session ended`));
    } else {
      this.#begin(request, this.#options.timeoutMs);
      session.send(request);
    }
    return promise;
  }

  /** The first call of a turn reads the clock and asks for the moment when the turn's frames leave; the others cost neither. */
  #openTurn(): void {
    if (this.#isTurnOpen) return;
    this.#isTurnOpen = true;
    this.#turnMs = Math.trunc(this.#options.environment.monotonicMs());
    if (this.#pendingCalls === 0 && this.#session?.isAtRest === true) this.#outbox.rewind();
    this.#options.transport.endOfTurn(this.#endTurn);
  }

  readonly #endTurn = (): void => {
    this.#isTurnOpen = false;
    this.#flush();
  };

  #flush(): void {
    if (this.#session === undefined) this.#outbox.take();
    else this.#session.flush();
  }

  #sendWaiting(): void {
    if (this.#waiting.size === 0) return;
    this.#openTurn();
    for (const request of this.#waiting) {
      if (!this.#isReady || this.#session?.hasRoom !== true) return;
      this.#waiting.delete(request);
      this.#sendAgain(this.#session, request);
    }
  }

  #sendAgain(session: Session, request: Request): void {
    if (this.#outbox.isFull) this.#flush();
    const sizeBytes = request.sizeBytes;
    try {
      this.#outbox.append(request, Math.max(1, Math.ceil(request.deadlineMs - this.#turnMs)));
    } catch (error) {
      this.#end(request, error);
      return;
    }
    this.#pendingBytes += request.sizeBytes - sizeBytes;
    session.send(request);
  }

  #answered(request: Request, status: number, reader: ByteReader, retryAfterMs: number): void {
    if (request.isSettled) {
      if (status === 0) request.call.late(reader, request);
      return;
    }
    if (status === 0) {
      const value = request.call.decode(reader, request);
      this.#forget(request);
      request.resolve(value);
      return;
    }
    if (status === SCHEMA_CHANGED && !request.wasRebound && request.tables.length > 0) {
      this.#refreshFor(request);
      return;
    }
    const value = request.call.refused(status, reader, retryAfterMs);
    this.#forget(request);
    if (value instanceof KLaniError) request.reject(value);
    else request.resolve(value);
  }

  /** The call is over: it counts no more. */
  #forget(request: Request): void {
    this.#pendingCalls -= 1;
    this.#pendingBytes -= request.sizeBytes;
    if (this.#pendingCalls === 0) this.#onIdle?.();
  }

  /** Ends a call that a signal or its deadline ended; one in flight keeps its place there. */
  #endEarly(request: Request, error: KLaniError): void {
    if (request.isSettled) return;
    this.#waiting.delete(request);
    this.#forget(request);
    request.dropFrame();
    request.reject(error);
  }

  /** Ends a call for `cause`; a write that was sent may have happened all the same. */
  #end(request: Request, cause: unknown): void {
    this.#forget(request);
    request.reject(request.mayHaveHappened ? unknownOutcome(request, cause) : cause);
  }

  #lost({ cause, isViolation, isAnswered, inFlight }: SessionEnd): void {
    this.sessionNumber += 1;
    this.#session = undefined;
    this.#isReady = false;
    this.#staleTables = undefined;
    this.#outbox.take();
    const error = cause instanceof KLaniError ? cause : connectionLost(this.#options.url, cause);
    const kept: Request[] = [];
    for (const request of inFlight) {
      if (request.isSettled) continue;
      // What was surely not carried out now may have been in an earlier session.
      if (isAnswered) request.wasSent = request.wasLost;
      else request.wasLost = true;
      if (request.call.afterLoss === 'done') this.#complete(request);
      else if (request.call.afterLoss === 'refuse' || isViolation) this.#end(request, error);
      else kept.push(request);
    }
    this.#waiting = new Set([...kept, ...this.#waiting]);
    if (this.#options.transport.isOver === true) {
      this.#giveUp(error);
      this.#endWaiting(error);
    } else if (!this.#wasReady) this.#giveUp(error);
  }

  #complete(request: Request): void {
    this.#forget(request);
    request.resolve(undefined);
  }

  async #greet(session: Session): Promise<void> {
    this.#session = session;
    try {
      const server = await this.#callNow(new HandshakeCall(this.#options.clientName));
      session.greeted(server);
      this.#server = server;
    } catch (error) {
      if (isFinal(error)) this.#endWaiting(error);
      throw error;
    }
    for (const table of this.tables) await this.#openAgain(table);
  }

  #ready(): void {
    this.#wasReady = true;
    this.#isReady = true;
    this.#opened.resolve();
    this.#sendWaiting();
  }

  /** Opens a table in the present session. A refusal is told to the calls that use the table; other failures end the session. */
  async #openAgain(table: OpenTable): Promise<void> {
    try {
      await this.#callNow(new OpenTableCall(this.tables, table.name, 'refuse'));
    } catch (error) {
      if (!isFinal(error)) throw error;
      table.failure = error;
    }
  }

  /** The request was refused because a table of its was altered. */
  #refreshFor(request: Request): void {
    request.wasRebound = true;
    // The server refused the whole request; only an earlier session may have carried it out.
    request.wasSent = request.wasLost;
    this.#waiting.add(request);
    if (this.#staleTables !== undefined) {
      for (const table of request.tables) this.#staleTables.add(table);
      return;
    }
    this.#staleTables = new Set(request.tables);
    this.#isReady = false;
    void this.#refresh(this.#staleTables);
  }

  async #refresh(staleTables: Set<OpenTable>): Promise<void> {
    const session = this.#session;
    try {
      for (const table of staleTables) {
        staleTables.delete(table);
        const stale = table.handle.number;
        await this.#openAgain(table);
        if (table.handle.number !== stale) await this.#callNow(new CloseTableCall(stale));
      }
    } catch (error) {
      session?.fail(error instanceof KLaniError ? error : connectionLost(this.#options.url, error));
      return;
    }
    if (this.#session !== session) return;
    this.#staleTables = undefined;
    this.#ready();
  }

  #endWaiting(error: KLaniError): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const request of waiting) this.#end(request, error);
  }

  /**
   * Ends the calls whose deadline has come; and the session, when its server has been silent for as long as a call waits, or still owes
   * an answer so long after its call has ended.
   */
  #expire(nowMs: number): number {
    const session = this.#session;
    const { timeoutMs } = this.#options;
    let nextMs = Infinity;
    let failure: string | undefined;
    for (const request of session?.requests ?? []) {
      if (request.deadlineMs <= nowMs && !request.isSettled) {
        this.#endEarly(request, timedOut(request));
        if (session !== undefined && session.heardMs + timeoutMs <= nowMs) failure = `was silent for ${timeoutMs} ms`;
      }
      const dueMs = request.isSettled ? request.deadlineMs + timeoutMs : request.deadlineMs;
      if (dueMs > nowMs) nextMs = Math.min(nextMs, dueMs);
      else failure = `never answered ${opcodeName(request.opcode)}`;
    }
    for (const request of this.#waiting) {
      if (request.deadlineMs > nowMs) nextMs = Math.min(nextMs, request.deadlineMs);
      else this.#endEarly(request, this.#neverAnswered(request));
    }
    if (failure !== undefined) session?.fail(new KLaniError('ConnectionLost', `The server at ${this.#options.url} ${failure}`));
    return nextMs;
  }

  #neverAnswered(request: Request): KLaniError {
    if (request.mayHaveHappened) return unknownOutcome(request, undefined);
    const name = opcodeName(request.opcode);
    if (this.#session === undefined) return new KLaniError('ConnectionLost', `Cannot ${name}: no server at ${this.#options.url}`);
    return new KLaniError('Overloaded', `Cannot ${name}: there was no place in flight before its deadline`);
  }

  #abortion(request: Request, signal: AbortSignal): KLaniError {
    const name = opcodeName(request.opcode);
    const { mayHaveHappened } = request;
    const message = mayHaveHappened
      ? `${name} was aborted after it was sent; it may have happened: ask operationStatus`
      : `${name} was aborted`;
    return new KLaniError('Aborted', message, { cause: signal.reason, ...idOf(request) });
  }
}

function expectTimeout(timeoutMs: number): void {
  if (timeoutMs >= 1 && timeoutMs <= TIMEOUT_MS_MAX) return;
  throw new KLaniError('InvalidArgument', `Cannot make call: timeoutMs is ${timeoutMs}, must be 1 to ${TIMEOUT_MS_MAX}`);
}

function closed(): KLaniError {
  return new KLaniError('Closed', 'Cannot make call: the client is closed');
}

function overloaded(what: string): KLaniError {
  return new KLaniError('Overloaded', `Cannot make call: ${what} wait for their answers, which is the limit`);
}

function connectionLost(url: string, cause: unknown): KLaniError {
  const reason = cause instanceof Error ? cause.message : 'it was closed';
  return new KLaniError('ConnectionLost', `Cannot reach ${url}: ${reason}`, { cause });
}

function timedOut(request: Request): KLaniError {
  if (request.mayHaveHappened) return unknownOutcome(request, undefined);
  return new KLaniError('TimedOut', `Cannot ${opcodeName(request.opcode)}: no answer before its deadline`);
}

function unknownOutcome(request: Request, cause: unknown): KLaniError {
  const message = `${opcodeName(request.opcode)} was sent and not answered; it may have happened: ask operationStatus`;
  return new KLaniError('OutcomeUnknown', message, { cause, ...idOf(request) });
}

/** The id to ask with, of a write that may have happened. */
function idOf(request: Request): { operationId?: string } {
  const operationId = request.wasSent ? request.operationId : undefined;
  return operationId === undefined ? {} : { operationId };
}

/** Whether asking again would be refused again; a server that is closing comes back. */
function isFinal(error: unknown): error is KLaniError {
  return error instanceof KLaniError && error.retry === 'never' && error.code !== 'Closed';
}
