import {
  ByteReader,
  ByteWriter,
  ERRORS,
  type ErrorCode,
  FRAME_FLAG_ANSWER,
  FrameParser,
  type HandshakeAnswer,
  KLaniError,
  MAX_FRAME_BYTES,
  Opcode,
  PROTOCOL_VERSION,
  beginFrame,
  decodeCreateTableRequest,
  decodeHandshakeRequest,
  decodeOpenTableRequest,
  encodeErrorAnswer,
  encodeHandshakeAnswer,
  encodeOpenedTable,
  endFrame,
} from '@k-lani/protocol';
import { FakeTable } from './fake-table.fixture.ts';
import type { Link, LinkReceiver, Transport } from './transport.ts';

/** A request as it came, for a test to look at and to answer. */
export interface FakeRequest {
  readonly session: FakeSession;
  readonly opcode: number;
  readonly id: number;
  readonly waitMs: number;
  /** A copy. */
  readonly payload: Uint8Array;
}

/** What a test does with a request: `true` when it has taken care of it. */
export type FakeHandler = (request: FakeRequest) => boolean;

/** What {@link FakeServer} says of itself. */
export const FAKE_HANDSHAKE: HandshakeAnswer = {
  version: PROTOCOL_VERSION,
  features: 0,
  sessionId: 1n,
  databaseId: new Uint8Array(16),
  epoch: 1,
  maxFrameBytes: MAX_FRAME_BYTES,
  maxResponseRows: 1000,
  maxResponseBytes: MAX_FRAME_BYTES,
  lockLeaseMsMax: 300_000,
  maxInFlight: 64,
  serverVersion: 'fake',
  durability: 'os',
};

/**
 * A server in the test's own process that speaks the real codecs, and that a test can make fail in every way. Its bytes arrive after the
 * turn in which they were written, as those of a socket do.
 */
export class FakeServer implements Transport {
  readonly sessions: FakeSession[] = [];
  readonly requests: FakeRequest[] = [];
  readonly table: FakeTable;
  handshake: HandshakeAnswer = FAKE_HANDSHAKE;
  /** Sees each request first. */
  handler: FakeHandler = () => false;
  /** Nobody answers at the address. */
  isDown = false;
  /** Cuts what is sent into pieces of so many bytes. */
  pieceBytes = Infinity;
  /** How many writes the client has made, and the memory that the last one gave. */
  writes = 0;
  written: Uint8Array = new Uint8Array();
  /** Bytes that links pretend to hold back. */
  unwrittenBytes = 0;

  constructor(table: FakeTable) {
    this.table = table;
  }

  connect(_url: string, receiver: LinkReceiver): Link {
    const session = new FakeSession(this, receiver);
    if (!this.isDown) this.sessions.push(session);
    this.endOfTurn(() => (this.isDown ? session.cut(new Error('connection refused')) : receiver.onOpen()));
    return session;
  }

  endOfTurn(callback: () => void): void {
    process.nextTick(callback);
  }

  /** The session that was opened last. */
  get session(): FakeSession {
    const session = this.sessions.at(-1);
    if (session === undefined) throw new Error('There was no session yet');
    return session;
  }

  /** The requests of one command, oldest first. */
  of(opcode: number): FakeRequest[] {
    return this.requests.filter((request) => request.opcode === opcode);
  }
}

/** One session of a {@link FakeServer}, and its client's link to it. */
export class FakeSession implements Link {
  readonly server: FakeServer;
  readonly number: number;
  readonly #receiver: LinkReceiver;
  readonly #parser = new FrameParser({ direction: 'requests' });
  readonly #handles = new Map<number, number>();
  #lastHandle: number;
  #isOver = false;
  #isHeld = false;
  #held: Uint8Array[] = [];

  constructor(server: FakeServer, receiver: LinkReceiver) {
    this.server = server;
    this.number = server.sessions.length + 1;
    this.#lastHandle = 100 * this.number;
    this.#receiver = receiver;
  }

  get unwrittenBytes(): number {
    return this.server.unwrittenBytes;
  }

  /** From the client. */
  write(bytes: Uint8Array): void {
    this.server.writes += 1;
    this.server.written = bytes;
    this.#parser.push(bytes.slice());
    while (this.#parser.next()) this.#take();
  }

  /** From the client. */
  destroy(): void {
    this.cut(undefined);
  }

  /** Ends the link; the client hears of it after this turn. */
  cut(cause: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.server.table.release(this.number);
    this.server.endOfTurn(() => this.#receiver.onClose(cause));
  }

  /** Holds back what is answered, until `release()`. */
  hold(): void {
    this.#isHeld = true;
  }

  /** Sends what was held back, in this order of places; in one piece. */
  release(order?: (count: number) => readonly number[]): void {
    const held = this.#held;
    this.#isHeld = false;
    this.#held = [];
    const places = order?.(held.length) ?? held.keys();
    const bytes = [...places].flatMap((place) => [...(held[place] ?? [])]);
    this.send(Uint8Array.from(bytes));
  }

  /** Answers a request by hand. */
  answer(request: Pick<FakeRequest, 'opcode' | 'id'>, write: (writer: ByteWriter) => void, error?: KLaniError): void {
    const frame = new ByteWriter();
    const start = beginFrame(frame, request.opcode, FRAME_FLAG_ANSWER, error?.number ?? 0, request.id, error?.retryAfterMs ?? 0);
    if (error === undefined) write(frame);
    else encodeErrorAnswer(frame, error.message);
    endFrame(frame, start);
    const bytes = frame.bytes.slice(0, frame.length);
    if (this.#isHeld) this.#held.push(bytes);
    else this.send(bytes);
  }

  /** Sends bytes, whatever they are. */
  send(bytes: Uint8Array): void {
    const { pieceBytes } = this.server;
    for (let start = 0; start < bytes.length; start += pieceBytes) {
      // The client may have the bytes only while it is told of them.
      const piece = bytes.slice(start, start + pieceBytes);
      this.server.endOfTurn(() => {
        if (this.#isOver) return;
        this.#receiver.onData(piece);
        piece.fill(0xee);
      });
    }
  }

  /** Tells the client that all it wrote was taken. */
  drain(): void {
    this.#receiver.onDrain();
  }

  /** A handle speaks the newest schema from now on. */
  alter(handle: number): void {
    this.#handles.set(handle, this.server.table.schema.version);
  }

  /** Sends a refusal whose payload is more than a message. */
  refuse(request: FakeRequest, code: ErrorCode, retryAfterMs: number, write: (writer: ByteWriter) => void): void {
    const frame = new ByteWriter();
    const start = beginFrame(frame, request.opcode, FRAME_FLAG_ANSWER, ERRORS[code].number, request.id, retryAfterMs);
    write(frame);
    endFrame(frame, start);
    this.send(frame.bytes.slice(0, frame.length));
  }

  #take(): void {
    const { opcode, requestId: id, waitMs, bytes, payloadStart, payloadEnd } = this.#parser;
    const payload = bytes.slice(payloadStart, payloadEnd);
    const request: FakeRequest = { session: this, opcode, id, waitMs, payload };
    this.server.requests.push(request);
    if (!this.server.handler(request)) this.execute(request);
  }

  /** Does what a server does. */
  execute(request: FakeRequest): void {
    try {
      const answer = new ByteWriter();
      this.#execute(request, answer);
      this.answer(request, (writer) => writer.append(answer.bytes, 0, answer.length));
    } catch (error) {
      if (!(error instanceof KLaniError)) throw error;
      this.answer(request, () => {}, error);
    }
  }

  #execute({ opcode, payload }: FakeRequest, answer: ByteWriter): void {
    const { table, handshake } = this.server;
    const reader = new ByteReader(payload, new DataView(payload.buffer), 0, payload.length, 'request');
    if (opcode === Opcode.Handshake) {
      decodeHandshakeRequest(reader);
      encodeHandshakeAnswer(answer, handshake);
    } else if (opcode === Opcode.OpenTable) {
      const name = decodeOpenTableRequest(reader);
      if (name !== table.schema.table) throw new KLaniError('UnknownTable', `Cannot open table "${name}": there is none`);
      this.#open(answer);
    } else if (opcode === Opcode.CreateTable) {
      const { schemaJson } = decodeCreateTableRequest(reader);
      if (schemaJson !== table.schemaJson) throw new KLaniError('TableExists', 'Cannot create table: it exists with another schema');
      this.#open(answer);
    } else if (opcode === Opcode.CloseTable) {
      this.#handles.delete(reader.u32());
    } else if (opcode !== Opcode.Disconnect) {
      if (!FakeTable.knows(opcode)) throw new KLaniError('UnknownOpcode', `Cannot run opcode ${opcode}`);
      this.#expectHandle(reader.view.getUint32(0, true));
      table.execute(opcode, reader, answer, this.number);
    }
  }

  /** Handles are of one session only: one that was not replaced after a reconnect is found out. */
  #open(answer: ByteWriter): void {
    const { table } = this.server;
    const schemaVersion = table.schema.version;
    this.#lastHandle += 1;
    this.#handles.set(this.#lastHandle, schemaVersion);
    encodeOpenedTable(answer, { handle: this.#lastHandle, tableId: 1, schemaVersion, schemaJson: table.schemaJson });
  }

  #expectHandle(handle: number): void {
    const version = this.#handles.get(handle);
    if (version === undefined) throw new KLaniError('InvalidHandle', `Cannot use handle ${handle}: it is not of this session`);
    const { schema } = this.server.table;
    if (version !== schema.version) throw new KLaniError('SchemaChanged', `Cannot use handle ${handle}: its table was altered`);
  }
}
