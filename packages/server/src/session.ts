/**
 * One connection and everything that ends with it: its table handles, cursors and locks.
 *
 * | state | what holds |
 * | --- | --- |
 * | new | connected; the first frame must be a Handshake |
 * | open | requests are carried out in the order in which they come, each wholly before the next |
 * | ending | no more requests are taken, locks are free, cursors and handles closed; what was begun is answered, then the connection ends |
 * | gone | the connection is over |
 *
 * 1. What was received together is answered together: the answers of one chunk leave in one write.
 * 2. A session whose client does not read is paused: nothing is read from it and nothing is carried out for it until the system has taken
 *    all its answers. It is dropped when answers of what was begun before go beyond `maxOutputBytes`, or when it does not move for
 *    `sessionIdleMs`.
 * 3. A breach of the protocol (codes in `BREACHES`) is answered and ends the session, and no other one.
 * 4. An error that is no KLaniError is a bug. Where the request could not have changed anything it is logged and the session ends at once;
 *    otherwise it is thrown on and takes the process down: memory may be half changed, the log is not, and a restart recovers from that.
 */
import { LockOwner } from '@k-lani/engine';
import { ByteWriter, type ErrorCode, FrameParser, KLaniError, Opcode, opcodeName } from '@k-lani/protocol';
import { Call, type Caller } from './call.ts';
import { COMMANDS } from './commands.ts';
import { Cursors } from './cursors.ts';
import type { Service } from './service.ts';
import { TableHandles } from './table-handles.ts';
import type { Wire, WireUser } from './wire.ts';

/** Answers that are written out before the rest of a chunk is carried out, bytes. */
const FLUSH_SIZE_BYTES = 256 * 1024;

/** Memory for answers that a session begins with, and keeps between writes at most, bytes. */
const OUTPUT_SIZE_BYTES = 1024;
const OUTPUT_KEPT_BYTES = 64 * 1024;

/** How long a connection may go without a handshake, and how long one that is ending may take, milliseconds. */
const HANDSHAKE_MS_MAX = 10_000;
const ENDING_MS_MAX = 10_000;

/** Errors after which the connection has no meaning any more. */
const BREACHES: ReadonlySet<ErrorCode> = new Set(['Protocol', 'FrameTooLarge', 'VersionUnsupported', 'AuthFailed']);

const NO_NAME = new Uint8Array(0);

export class Session implements Caller, WireUser {
  readonly number: number;
  readonly owner = new LockOwner();
  readonly handles: TableHandles;
  readonly cursors: Cursors;
  actor: Uint8Array = NO_NAME;
  out = new ByteWriter({ capacityBytes: OUTPUT_SIZE_BYTES });
  heldCount = 0;
  heldBytes = 0;
  readonly #service: Service;
  readonly #wire: Wire;
  readonly #call: Call;
  /** Why this connection gets nothing but a refusal, if it does. */
  readonly #refusal: KLaniError | undefined;
  readonly #onGone: () => void;
  #parser: FrameParser;
  #state: 'new' | 'open' | 'ending' | 'gone' = 'new';
  #isPaused = false;
  /** Something was received or sent since the last look of the clock. */
  #hasMoved = true;
  #movedMs = 0;

  /** @param options.refusal answered to the first request, after which the session ends */
  constructor(service: Service, wire: Wire, options: { number: number; refusal: KLaniError | undefined; onGone: () => void }) {
    const { config, handleNumbers, cursorNumbers } = service;
    this.number = options.number;
    this.handles = new TableHandles(handleNumbers, config.maxHandles);
    this.cursors = new Cursors(cursorNumbers, config.maxCursors);
    this.#service = service;
    this.#wire = wire;
    this.#refusal = options.refusal;
    this.#onGone = options.onGone;
    this.#parser = newParser(config.maxFrameBytes);
    this.#call = new Call(service, this);
  }

  get isGone(): boolean {
    return this.#state === 'gone';
  }

  greeted(actor: Uint8Array): void {
    this.actor = actor;
    this.#state = 'open';
  }

  received(chunk: Uint8Array): void {
    if (!this.#takesRequests) return;
    this.#hasMoved = true;
    this.#parser.push(chunk);
    if (this.#carryOut() || !this.#takesRequests) return;
    // The chunk's memory is not ours after this call: what is left of it waits in memory of its own.
    const rest = chunk.slice(chunk.length - this.#parser.pendingBytes);
    this.#parser = newParser(this.#service.config.maxFrameBytes);
    this.#parser.push(rest);
  }

  drained(): void {
    this.#hasMoved = true;
    if (this.isGone) return;
    this.#isPaused = false;
    this.flush();
    if (this.#isPaused || !this.#takesRequests || !this.#carryOut()) return;
    this.#wire.resume();
  }

  finished(): void {
    this.end();
  }

  closed(): void {
    this.#release();
    this.#state = 'gone';
    this.#onGone();
  }

  end(): void {
    if (this.#state === 'ending' || this.isGone) return;
    this.#release();
    this.#state = 'ending';
    this.#hasMoved = true;
    // What still arrives is read and dropped: a reset would take the last answers from the client.
    if (this.#isPaused) this.#wire.resume();
    this.#endWhenAnswered();
  }

  /** Ends the connection at once: no answer can be delivered any more. */
  destroy(): void {
    this.#state = 'gone';
    this.#wire.destroy();
  }

  flush(): void {
    const { out } = this;
    if (this.isGone) return;
    if (out.length > 0 && !this.#isPaused) {
      if (this.#wire.write(out.bytes, out.length)) this.#keepOutput();
      else this.#pause();
    }
    const unsentBytes = this.#wire.unsentBytes + this.out.length;
    if (this.#isPaused && unsentBytes > this.#service.config.maxOutputBytes) this.#drop(`${unsentBytes} bytes of answers wait for it`);
    else if (this.#state === 'ending') this.#endWhenAnswered();
  }

  /** Ends what does not move any more. Called now and then. */
  look(nowMs: number): void {
    if (this.#hasMoved) {
      this.#hasMoved = false;
      this.#movedMs = nowMs;
      return;
    }
    const { sessionIdleMs } = this.#service.config;
    const idleMs = nowMs - this.#movedMs;
    if (this.#state === 'ending') {
      if (idleMs > Math.min(ENDING_MS_MAX, sessionIdleMs)) this.destroy();
    } else if (this.#isPaused) {
      if (idleMs > sessionIdleMs) this.#drop(`it has not read for ${Math.floor(idleMs)} ms`);
    } else if (this.heldCount === 0 && idleMs > (this.#state === 'new' ? Math.min(HANDSHAKE_MS_MAX, sessionIdleMs) : sessionIdleMs)) {
      this.#service.counters.idled += 1;
      this.#service.log.info({ session: this.number, peer: this.#wire.peer, idleMs: Math.floor(idleMs) }, 'session was idle');
      this.end();
    }
  }

  get #takesRequests(): boolean {
    return this.#state === 'new' || this.#state === 'open';
  }

  /** Carries out what the parser has; returns false when the client must read first. */
  #carryOut(): boolean {
    const parser = this.#parser;
    try {
      while (this.#takesRequests && parser.next()) {
        this.#carryOutOne(parser);
        if (this.out.length > FLUSH_SIZE_BYTES) this.flush();
        if (this.#isPaused || this.isGone) return false;
      }
    } catch (error) {
      this.#breach(error);
    }
    this.flush();
    return !this.#isPaused;
  }

  #carryOutOne(parser: FrameParser): void {
    const call = this.#call;
    call.begin(parser);
    this.#service.counters.requests += 1;
    try {
      const command = COMMANDS[call.opcode];
      if (this.#state === 'new' || command === undefined || call.opcode === Opcode.Handshake) this.#expectCommand(call.opcode);
      command?.(call);
    } catch (error) {
      if (!(error instanceof KLaniError)) this.#bug(error);
      else {
        call.fail(error);
        if (error === this.#refusal) this.end();
        else if (BREACHES.has(error.code)) this.#endBreached(error);
      }
    }
  }

  /** Throws for a frame that has no place here. */
  #expectCommand(opcode: number): void {
    if (this.#refusal !== undefined) throw this.#refusal;
    const isHandshake = opcode === Opcode.Handshake;
    if (isHandshake !== (this.#state === 'new')) {
      const name = opcodeName(opcode) ?? `opcode ${opcode}`;
      const rule = isHandshake ? 'the session has shaken hands already' : 'the first frame must be Handshake';
      throw new KLaniError('Protocol', `Cannot carry out ${name}: ${rule}`);
    }
    if (!isHandshake)
      throw new KLaniError('UnknownOpcode', `Cannot carry out request: opcode is ${opcode}, which this server does not know`);
  }

  /** Answers a frame that could not be cut out of the stream, and ends the session. */
  #breach(error: unknown): void {
    if (!(error instanceof KLaniError)) throw error;
    this.#call.failFrame(this.#parser, error);
    this.#endBreached(error);
  }

  #endBreached(error: KLaniError): void {
    this.#service.counters.breaches += 1;
    this.#service.log.warn({ session: this.number, peer: this.#wire.peer, code: error.code }, error.message);
    this.end();
  }

  #bug(error: unknown): void {
    const { inEngine, opcode } = this.#call;
    this.#service.log.error(
      { session: this.number, opcode, err: error },
      inEngine ? 'bug in a write: the process ends' : 'bug: the session ends',
    );
    if (inEngine) throw error;
    this.destroy();
  }

  #pause(): void {
    // The wire keeps the memory that it was given.
    this.out = new ByteWriter({ capacityBytes: OUTPUT_SIZE_BYTES });
    this.#isPaused = true;
    this.#service.counters.pauses += 1;
    if (this.#state !== 'ending') this.#wire.pause();
  }

  #keepOutput(): void {
    if (this.out.bytes.length > OUTPUT_KEPT_BYTES) this.out = new ByteWriter({ capacityBytes: OUTPUT_SIZE_BYTES });
    else this.out.reset();
  }

  #drop(reason: string): void {
    this.#service.counters.dropped += 1;
    this.#service.log.warn({ session: this.number, peer: this.#wire.peer }, `session dropped: ${reason}`);
    this.destroy();
  }

  #endWhenAnswered(): void {
    if (this.heldCount === 0 && this.out.length === 0 && !this.#isPaused) this.#wire.end();
  }

  /** Gives back everything that ends with the session. */
  #release(): void {
    this.#service.database.state.locks.releaseAll(this.owner);
    this.handles.closeAll();
    this.cursors.closeAll();
  }
}

function newParser(maxFrameBytes: number): FrameParser {
  return new FrameParser({ direction: 'requests', maxFrameBytes });
}
