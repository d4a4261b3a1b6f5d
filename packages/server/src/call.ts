/**
 * One request while it is carried out: what came, who asked, and how it is answered. Every session has one and uses it again.
 *
 * 1. A command answers exactly once: `answer` and `done`, `refuse`, `later`, or by throwing a KLaniError.
 * 2. What a command answers from the latest state, which may not be durable, names the position that it depends on. When it throws after
 *    `inEngine` was set, the refusal waits for everything that was appended by then.
 * 3. Any other error is a bug, and is thrown on: see `session.ts`.
 */
import { xxHash32 } from '@k-lani/base';
import {
  type Database,
  firstAnswer,
  type DoneOperation,
  type LockOwner,
  mayDependOnChanges,
  type Operation,
  type StoredTable,
} from '@k-lani/engine';
import {
  beginFrame,
  ByteReader,
  type ByteWriter,
  endFrame,
  FRAME_FLAG_ANSWER,
  type FrameParser,
  KLaniError,
  OPERATION_ID_SIZE,
} from '@k-lani/protocol';
import type { Cursors } from './cursors.ts';
import type { AnswerHolder } from './held-answers.ts';
import { encodeRefusal, encodeStatus, type Refusal, type RequestName, wireMs } from './refusal.ts';
import type { Service } from './service.ts';
import type { TableHandle, TableHandles } from './table-handles.ts';

/** The session that asks, as far as commands know it. */
export interface Caller extends AnswerHolder {
  readonly number: number;
  readonly owner: LockOwner;
  readonly handles: TableHandles;
  readonly cursors: Cursors;
  /** The client's name, UTF-8. */
  readonly actor: Uint8Array;
  /** Takes the client's name; commands other than Handshake are taken from now on. */
  greeted(actor: Uint8Array): void;
  /** Takes no more requests, and ends once everything is answered. */
  end(): void;
}

/** After which time an overloaded session is worth asking again, milliseconds. */
const OVERLOAD_RETRY_MS = 20;

export class Call implements RequestName {
  readonly service: Service;
  readonly database: Database;
  readonly caller: Caller;
  /** Over the payload, at its start when the command begins. */
  readonly reader: ByteReader;
  opcode = 0;
  requestId = 0;
  /** Set by commands while they look at, or change, what is not durable. */
  inEngine = false;
  #start = 0;
  #payloadStart = 0;
  readonly #operation: { id: Uint8Array; digestChecksum: number; digestLength: number; opcode: number; actor: Uint8Array };

  constructor(service: Service, caller: Caller) {
    this.service = service;
    this.database = service.database;
    this.caller = caller;
    const { bytes, view } = caller.out;
    this.reader = new ByteReader(bytes, view, 0, 0, 'payload');
    this.#operation = { id: new Uint8Array(OPERATION_ID_SIZE), digestChecksum: 0, digestLength: 0, opcode: 0, actor: caller.actor };
  }

  /** Begins with the request that the parser has before it. */
  begin(parser: FrameParser): void {
    this.opcode = parser.opcode;
    this.requestId = parser.requestId;
    this.inEngine = false;
    this.#start = this.caller.out.length;
    this.#payloadStart = parser.payloadStart;
    this.reader.reset(parser.bytes, parser.view, parser.payloadStart, parser.payloadEnd);
  }

  /** Begins the answer: its payload is written next, then `done` is called. */
  answer(): ByteWriter {
    const { out } = this.caller;
    this.#start = beginFrame(out, this.opcode, FRAME_FLAG_ANSWER, 0, this.requestId, 0);
    return out;
  }

  /** Begins an answer with the number of an error and a payload of its own, which is written next; then `done` is called. */
  refusal(status: number, retryAfterMs: number): ByteWriter {
    const { out } = this.caller;
    this.#start = beginFrame(out, this.opcode, FRAME_FLAG_ANSWER, status, this.requestId, wireMs(retryAfterMs));
    return out;
  }

  /** Whether the answer that is being written has become too long to be sent. */
  get isTooLong(): boolean {
    return !this.hasRoomFor(0);
  }

  /** Whether the answer that is being written can be sent with `sizeBytes` more. */
  hasRoomFor(sizeBytes: number): boolean {
    return this.caller.out.length - this.#start + sizeBytes <= this.service.answerBytesMax;
  }

  /**
   * Ends the answer.
   *
   * @param dependsOn the position that must be durable before the answer leaves; 0 for none
   * @throws {KLaniError} ResponseTooLarge
   */
  done(dependsOn = 0): void {
    const { out } = this.caller;
    const sizeBytes = endFrame(out, this.#start);
    if (sizeBytes > this.service.answerBytesMax) throw this.tooLong();
    this.#holdUntil(dependsOn);
  }

  /** Answers with the number of an error, without an Error object. */
  refuse(refusal: Refusal, dependsOn = 0): void {
    this.caller.out.length = this.#start;
    encodeStatus(this.caller.out, this, refusal);
    this.#holdUntil(dependsOn);
  }

  /** Answers with an error that was thrown. */
  fail(error: KLaniError): void {
    const { caller, database, inEngine } = this;
    const dependsOnChanges = inEngine && mayDependOnChanges(error);
    caller.out.length = this.#start;
    // After the writer has failed it will never be known what the refusal saw, and no write is carried out any more.
    encodeRefusal(caller.out, this, dependsOnChanges ? (database.failure ?? error) : error);
    if (dependsOnChanges && database.failure === undefined) this.#holdUntil(database.lastAppended);
  }

  /** Answers a frame that could not be read. */
  failFrame(request: RequestName, error: KLaniError): void {
    encodeRefusal(this.caller.out, request, error);
  }

  /** Answers when `position` is durable: `encode` writes the payload then, and may throw a KLaniError. */
  later(position: number, encode: (out: ByteWriter) => void): void {
    if (this.database.isDurable(position)) {
      encode(this.answer());
      this.done();
      return;
    }
    const request = { opcode: this.opcode, requestId: this.requestId };
    this.caller.heldCount += 1;
    this.database.whenDurable(position, (error) => this.settle(request, error, encode));
  }

  /** Gives an answer that `later` promised, or that a command promised by adding to `heldCount`. */
  settle(request: RequestName, error: KLaniError | undefined, encode: (out: ByteWriter) => void): void {
    const { caller } = this;
    caller.heldCount -= 1;
    if (caller.isGone) return;
    const { out } = caller;
    const start = out.length;
    try {
      if (error !== undefined) throw error;
      beginFrame(out, request.opcode, FRAME_FLAG_ANSWER, 0, request.requestId, 0);
      encode(out);
      if (endFrame(out, start) > this.service.answerBytesMax) throw this.tooLong();
    } catch (refusal) {
      if (!(refusal instanceof KLaniError)) throw refusal;
      out.length = start;
      encodeRefusal(out, request, refusal);
    }
    caller.flush();
  }

  tooLong(): KLaniError {
    const { answerBytesMax } = this.service;
    return new KLaniError('ResponseTooLarge', `Cannot answer: the frame would have more than ${answerBytesMax} bytes`);
  }

  /**
   * Refuses what would be held beyond the limits of a session.
   *
   * @throws {KLaniError} Overloaded
   */
  expectRoom(): void {
    const { heldCount, heldBytes } = this.caller;
    const { maxInFlight, maxOutputBytes } = this.service.config;
    if (heldCount >= maxInFlight) throw overloaded(`${heldCount} requests of this session are in flight, maxInFlight is ${maxInFlight}`);
    if (heldBytes > maxOutputBytes / 2) throw overloaded(`${heldBytes} bytes of answers wait, maxOutputBytes is ${maxOutputBytes}`);
  }

  /** Puts the table's id in the place of the handle, so that the request is the same in every session. */
  nameTable(handleOffset: number, table: StoredTable): void {
    this.reader.view.setUint32(handleOffset, table.id, true);
  }

  /** The operation of this request, whose handles all are replaced by table ids. Valid until the next request. */
  operation(operationIdOffset: number): Operation {
    const operation = this.#operation;
    const { bytes, view, end } = this.reader;
    const { id } = operation;
    for (let index = 0; index < OPERATION_ID_SIZE; index += 1) id[index] = bytes[operationIdOffset + index] as number;
    operation.digestChecksum = xxHash32(view, this.#payloadStart, end);
    operation.digestLength = end - this.#payloadStart;
    operation.opcode = this.opcode;
    operation.actor = this.caller.actor;
    return operation;
  }

  /** What the request did when it came first; `undefined` when it comes for the first time. @throws {KLaniError} OperationMismatch */
  firstAnswer(operation: Operation): DoneOperation | undefined {
    this.inEngine = true;
    const done = firstAnswer(this.database.state, operation);
    this.inEngine = false;
    return done;
  }

  /** Refuses a write through a handle that does not speak the newest schema. @throws {KLaniError} SchemaChanged */
  expectNewest({ table, layout }: TableHandle): void {
    if (layout === table.layout) return;
    this.inEngine = true;
    throw new KLaniError(
      'SchemaChanged',
      `Cannot write to table "${table.name}": its schema version is ${table.schema.version}, the handle's ${layout.schema.version}`,
    );
  }

  /** Lets the answer that was written last go when `position` is durable. */
  #holdUntil(position: number): void {
    if (!this.database.isDurable(position)) this.service.held.hold(this.caller, position, this.#start);
  }
}

function overloaded(problem: string): KLaniError {
  return new KLaniError('Overloaded', `Cannot begin request: ${problem}`, { retryAfterMs: OVERLOAD_RETRY_MS });
}
