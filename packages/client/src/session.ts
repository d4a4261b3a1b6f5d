/**
 * One link from its opening to its end: cuts what arrives into answers, ties each to its request, and holds what is sent to the limits of
 * the server and of the link.
 *
 * 1. A frame that breaks the protocol, or answers nothing that was asked, ends the link; no byte after it is looked at.
 * 2. What is in flight when the link ends is handed over whole, in the order of the calls.
 */
import { ByteReader, FrameParser, type HandshakeAnswer, KLaniError, decodeErrorAnswer, opcodeName } from '@k-lani/protocol';
import type { Environment } from './environment.ts';
import type { Outbox } from './outbox.ts';
import type { Request } from './request.ts';
import { IN_FLIGHT_MAX, RequestTable } from './request-table.ts';
import type { Link, LinkReceiver, Transport } from './transport.ts';

/** Bytes that the link may hold before the next requests wait. */
const UNWRITTEN_BYTES_MAX = 1024 * 1024;

/** Places in flight that calls leave free, for the commands that the client sends by itself. */
const IN_FLIGHT_RESERVE = 1;

const FRAME_BYTES_MIN = 1024;

/** How a session ended. */
export interface SessionEnd {
  readonly cause: unknown;
  /** The server broke the protocol: asking again would break it again. */
  readonly isViolation: boolean;
  /** What is in flight was surely not carried out. */
  readonly isAnswered: boolean;
  /** What was sent and not answered, in the order of the calls. */
  readonly inFlight: readonly Request[];
}

/** Told what happens in a session. */
export interface SessionEvents {
  opened(session: Session): void;
  /** @throws {KLaniError} when the answer cannot be read: the session ends */
  answered(request: Request, status: number, reader: ByteReader, retryAfterMs: number): void;
  /** There may be room for more requests. */
  relieved(): void;
  ended(session: Session, end: SessionEnd): void;
}

/** What a session is made from. */
export interface SessionOptions {
  readonly url: string;
  readonly transport: Transport;
  readonly environment: Environment;
  readonly outbox: Outbox;
  readonly events: SessionEvents;
}

export class Session implements LinkReceiver {
  /** When the server was last heard of. */
  heardMs: number;
  readonly #environment: Environment;
  readonly #outbox: Outbox;
  readonly #events: SessionEvents;
  readonly #link: Link;
  readonly #requests = new RequestTable();
  readonly #reader = new ByteReader(new Uint8Array(), new DataView(new ArrayBuffer()), 0, 0, 'answer');
  #parser = new FrameParser({ direction: 'answers' });
  #inFlightMax = 1;
  #isCongested = false;
  #failure: KLaniError | undefined;
  #isViolated = false;

  /** @throws {KLaniError} `InvalidArgument` when the transport does not know the form of the address */
  constructor({ url, transport, environment, outbox, events }: SessionOptions) {
    this.#environment = environment;
    this.#outbox = outbox;
    this.#events = events;
    this.heardMs = environment.monotonicMs();
    this.#link = transport.connect(url, this);
  }

  /** Whether another call may be sent now. */
  get hasRoom(): boolean {
    return this.#requests.size < this.#inFlightMax && !this.#isCongested;
  }

  /** What is sent and not answered. */
  get requests(): Iterable<Request> {
    return this.#requests;
  }

  /**
   * Takes over what the server said about its limits.
   *
   * @throws {KLaniError} `Protocol` when nobody could work with them, or the server spoke out of turn
   */
  greeted({ maxFrameBytes, maxInFlight }: HandshakeAnswer): void {
    if (maxFrameBytes < FRAME_BYTES_MIN) throw absurd('maxFrameBytes', maxFrameBytes, FRAME_BYTES_MIN);
    if (maxInFlight < 1) throw absurd('maxInFlight', maxInFlight, 1);
    if (this.#parser.pendingBytes > 0) throw new KLaniError('Protocol', 'Cannot shake hands: the server sent more than its answer');
    this.#parser = new FrameParser({ direction: 'answers', maxFrameBytes });
    this.#outbox.limitFrames(maxFrameBytes);
    this.#inFlightMax = Math.max(1, Math.min(maxInFlight, IN_FLIGHT_MAX) - IN_FLIGHT_RESERVE);
  }

  /** Counts the request, whose frame is in the outbox, as in flight; it leaves with the next `flush()`. */
  send(request: Request): void {
    this.#requests.add(request);
    request.wasSent = true;
    this.#outbox.stamp(request);
  }

  /** Gives all that is in the outbox to the link. */
  flush(): void {
    const bytes = this.#outbox.take();
    if (bytes.length === 0) return;
    this.#link.write(bytes);
    this.#awaitAnswers();
    this.#isCongested = this.#link.unwrittenBytes > UNWRITTEN_BYTES_MAX;
  }

  /** No request is on its way, and no memory of the outbox with the link. */
  get isAtRest(): boolean {
    return this.#requests.size === 0 && this.#link.unwrittenBytes === 0;
  }

  /** Ends the link at once, for a reason that is told to whoever waits. */
  fail(failure: KLaniError): void {
    this.#failure ??= failure;
    this.#link.destroy();
  }

  onOpen(): void {
    this.#events.opened(this);
  }

  onData(bytes: Uint8Array): void {
    if (this.#failure !== undefined) return;
    this.heardMs = this.#environment.monotonicMs();
    try {
      const parser = this.#parser;
      parser.push(bytes);
      while (this.#failure === undefined && parser.next()) this.#receive(parser);
    } catch (error) {
      this.#isViolated = true;
      this.fail(violation(error));
    }
    this.#awaitAnswers();
    this.#events.relieved();
  }

  onDrain(): void {
    this.#isCongested = false;
    this.#events.relieved();
  }

  onClose(cause: unknown, isAnswered = false): void {
    const inFlight = this.#requests.takeAll();
    this.#events.ended(this, { cause: this.#failure ?? cause, isViolation: this.#isViolated, isAnswered, inFlight });
  }

  #awaitAnswers(): void {
    this.#link.awaitAnswers?.(this.#requests.size > 0);
  }

  #receive(parser: FrameParser): void {
    const reader = this.#reader;
    // What `reset()` would check, the parser has made sure of.
    reader.bytes = parser.bytes;
    reader.view = parser.view;
    reader.offset = parser.payloadStart;
    reader.end = parser.payloadEnd;
    const request = this.#requests.get(parser.requestId);
    if (request === undefined) {
      this.#refuse(parser, reader);
      return;
    }
    if (request.opcode !== parser.opcode) {
      const opcode = opcodeName(parser.opcode) ?? parser.opcode;
      throw new KLaniError('Protocol', `Cannot take answer: opcode is ${opcode}, must be ${opcodeName(request.opcode)}`);
    }
    this.#events.answered(request, parser.status, reader, parser.waitMs);
    this.#requests.remove(request);
  }

  /** An answer that ties to no request: the server's reason for ending the connection, or nonsense. */
  #refuse(parser: FrameParser, reader: ByteReader): void {
    if (parser.status === 0) {
      throw new KLaniError('Protocol', `Cannot take answer: request id is ${parser.requestId}, must be one in flight`);
    }
    const reason = decodeErrorAnswer(reader, parser.status, parser.waitMs);
    this.#isViolated = reason.retry === 'never' && reason.code !== 'Closed';
    this.fail(reason);
  }
}

/** Whatever goes wrong with an answer is the fault of its bytes. */
function violation(error: unknown): KLaniError {
  if (error instanceof KLaniError) return error;
  return new KLaniError('Protocol', 'Cannot read answer: its payload makes no sense', { cause: error });
}

function absurd(name: string, value: number, min: number): KLaniError {
  return new KLaniError('Protocol', `Cannot shake hands: the server's ${name} is ${value}, must be >= ${min}`);
}
