/** What the end-to-end tests share: a server on a directory of its own, and a client that is no more than the codecs on a socket. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import {
  beginFrame,
  ByteReader,
  ByteWriter,
  type ClaimLineSource,
  decodeErrorAnswer,
  decodeHandshakeAnswer,
  decodeOpenedTable,
  decodeRow,
  decodeSeekAnswer,
  defineTable,
  encodeAppendRequest,
  encodeClaimLine,
  encodeClaimRequest,
  encodeCreateTableRequest,
  encodeHandleRequest,
  encodeHandshakeRequest,
  encodeLockRequest,
  encodeOpenTableRequest,
  encodeReplaceRequest,
  encodeRow,
  encodeSchema,
  encodeSeekRequest,
  encodeUnlockRequest,
  endFrame,
  FrameParser,
  type HandshakeAnswer,
  type KLaniError,
  type NewRowOf,
  Opcode,
  PROTOCOL_VERSION,
  type RowLayout,
  type RowTarget,
  rowLayoutOf,
  type RowOf,
  type TableSchema,
  type WireRow,
} from '@k-lani/protocol';
import { parseAddress } from './address.ts';
import type { ServerConfig } from './config-keys.ts';
import { type Server, type ServerAdapters, startServer } from './server.ts';

/** The table of the tests. */
export const SEATS = defineTable({
  table: 'seats',
  fields: {
    rank: { type: 'uint32', index: 'non_unique' },
    seat_no: { type: 'uint32', index: 'unique' },
    is_booked: { type: 'uint8', index: 'non_unique' },
    price: { type: 'int32', index: 'ordered', required: false },
    buyer: { type: 'fixed_string', length: 16, default: '' },
    weight: { type: 'float64', default: 0 },
    note: { type: 'blob', required: false },
  },
});

/** One answer, its bytes its own. */
export class Answer {
  readonly opcode: number;
  readonly status: number;
  readonly requestId: number;
  readonly retryAfterMs: number;
  readonly payload: Uint8Array;

  constructor(parser: FrameParser) {
    this.opcode = parser.opcode;
    this.status = parser.status;
    this.requestId = parser.requestId;
    this.retryAfterMs = parser.waitMs;
    this.payload = parser.bytes.slice(parser.payloadStart, parser.payloadEnd);
  }

  /** What `decode` makes of an answer that is no refusal. */
  read<T>(decode: (reader: ByteReader) => T): T {
    if (this.status !== 0) throw this.error;
    return decode(this.reader());
  }

  reader(): ByteReader {
    return new ByteReader(this.payload, new DataView(this.payload.buffer), 0, this.payload.length, 'payload');
  }

  /** The error of a refusal whose payload is its message. */
  get error(): KLaniError {
    return decodeErrorAnswer(this.reader(), this.status, this.retryAfterMs);
  }

  get code(): string | undefined {
    return this.status === 0 ? undefined : this.error.code;
  }
}

/** A row as it came: its version, and what its bytes say. */
export interface ReceivedRow<S extends TableSchema> {
  readonly rowId: number;
  readonly version: number;
  readonly lsn: number;
  readonly row: RowOf<S>;
}

/** A table as the client knows it. */
export interface ClientTable<S extends TableSchema = TableSchema> {
  readonly handle: number;
  readonly layout: RowLayout<S>;
}

export class WireClient {
  readonly socket: Socket;
  /** Every answer, in the order in which they came. */
  readonly answers: Answer[] = [];
  /** Resolves when the server has ended the connection. */
  readonly ended: Promise<void>;
  handshake: HandshakeAnswer | undefined;
  readonly #parser = new FrameParser({ direction: 'answers', maxFrameBytes: 2 ** 26 });
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  readonly #writer = new ByteWriter();
  #requestId = 0;
  #isScheduled = false;

  /** Connects, and shakes hands. */
  static async open(server: Server, name = 'test'): Promise<WireClient> {
    const client = await WireClient.connect(server);
    await client.greet(name);
    return client;
  }

  /** Connects without a word, to an address or to the first of a server. */
  static async connect(to: Server | string): Promise<WireClient> {
    const address = parseAddress(typeof to === 'string' ? to : (to.addresses[0] ?? ''));
    const socket = connect(address.kind === 'tcp' ? { host: address.host, port: address.port, noDelay: true } : { path: address.path });
    await once(socket, 'connect');
    return new WireClient(socket);
  }

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => this.#received(chunk));
    socket.on('error', () => socket.destroy());
    this.ended = once(socket, 'close').then(() => undefined);
  }

  async greet(name: string): Promise<Answer> {
    const request = {
      versionMin: PROTOCOL_VERSION,
      versionMax: PROTOCOL_VERSION,
      features: 0,
      clientName: name,
      credentials: new Uint8Array(0),
    };
    const answer = await this.call(Opcode.Handshake, (writer) => encodeHandshakeRequest(writer, request));
    if (answer.status === 0) this.handshake = answer.read(decodeHandshakeAnswer);
    return answer;
  }

  /** Sends a request; those of one turn leave in one write. Never resolves when the connection ends before the answer. */
  call(opcode: number, encode: (writer: ByteWriter) => void = () => undefined): Promise<Answer> {
    this.#requestId += 1;
    const start = beginFrame(this.#writer, opcode, 0, 0, this.#requestId, 0);
    encode(this.#writer);
    endFrame(this.#writer, start);
    this.#schedule();
    const requestId = this.#requestId;
    return new Promise((resolve) => this.#waiting.set(requestId, resolve));
  }

  /** Sends bytes as they are. */
  send(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  close(): void {
    this.socket.destroy();
  }

  async create<S extends TableSchema>(schema: S): Promise<ClientTable<S>> {
    const answer = await this.call(Opcode.CreateTable, (writer) =>
      encodeCreateTableRequest(writer, newOperationId(), encodeSchema(schema)),
    );
    return { handle: answer.read(decodeOpenedTable).handle, layout: rowLayoutOf(schema) };
  }

  /** Opens a table whose schema the test knows. */
  async openTable<S extends TableSchema>(schema: S): Promise<ClientTable<S>> {
    const answer = await this.call(Opcode.OpenTable, (writer) => encodeOpenTableRequest(writer, schema.table));
    return { handle: answer.read(decodeOpenedTable).handle, layout: rowLayoutOf(schema) };
  }

  closeTable(handle: number): Promise<Answer> {
    return this.call(Opcode.CloseTable, (writer) => encodeHandleRequest(writer, handle));
  }

  append<S extends TableSchema>(table: ClientTable<S>, row: NewRowOf<S>, operationId = newOperationId()): Promise<Answer> {
    return this.call(Opcode.Append, (writer) => {
      encodeAppendRequest(writer, table.handle, operationId);
      encodeRow(table.layout, row, writer);
    });
  }

  seek({ handle }: ClientTable, rowId: number): Promise<Answer> {
    return this.call(Opcode.Seek, (writer) => encodeSeekRequest(writer, handle, rowId));
  }

  lock({ handle }: ClientTable, rowId: number, leaseMs = 0): Promise<Answer> {
    return this.call(Opcode.Lock, (writer) => encodeLockRequest(writer, handle, rowId, leaseMs));
  }

  unlock({ handle }: ClientTable, rowId: number, token: { tokenLow: number; tokenHigh: number }): Promise<Answer> {
    return this.call(Opcode.Unlock, (writer) => encodeUnlockRequest(writer, { handle, rowId, ...token }));
  }

  replace<S extends TableSchema>(
    table: ClientTable<S>,
    target: Partial<Omit<RowTarget, 'handle'>> & { rowId: number; unlock?: boolean },
    row: NewRowOf<S>,
    operationId = newOperationId(),
  ): Promise<Answer> {
    const { unlock = false, ...rest } = target;
    return this.call(Opcode.Replace, (writer) => {
      encodeReplaceRequest(writer, operationId, { handle: table.handle, tokenLow: 0, tokenHigh: 0, ifVersion: 0, ...rest }, unlock);
      encodeRow(table.layout, row, writer);
    });
  }

  claim<S extends TableSchema>(
    table: ClientTable<S>,
    lines: readonly Omit<ClaimLineSource<S>, 'handle'>[],
    options: { operationId?: Uint8Array; returnRows?: boolean } = {},
  ): Promise<Answer> {
    const { operationId = newOperationId(), returnRows = false } = options;
    return this.call(Opcode.Claim, (writer) => {
      encodeClaimRequest(writer, operationId, returnRows, lines.length);
      for (const line of lines) encodeClaimLine(writer, table.layout, { handle: table.handle, ...line });
    });
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      this.socket.write(this.#writer.bytes.slice(0, this.#writer.length));
      this.#writer.reset();
    });
  }

  #received(chunk: Buffer): void {
    this.#parser.push(chunk);
    while (this.#parser.next()) {
      const answer = new Answer(this.#parser);
      this.answers.push(answer);
      const resolve = this.#waiting.get(answer.requestId);
      this.#waiting.delete(answer.requestId);
      resolve?.(answer);
    }
  }
}

/** A directory that is gone after the test. */
export function temporaryDirectory(context: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'k-lani-server-'));
  context.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** With how many I/O threads servers of tests run that do not say it: see `io-threads-contract.test.ts`. */
export const IO_THREADS = Number(process.env['K_LANI_TEST_IO_THREADS'] ?? 0);

/** A server that ends with the test, unless it was closed before. */
export async function openServer(context: TestContext, config: Partial<ServerConfig> = {}, adapters: ServerAdapters = {}): Promise<Server> {
  const data = config.data ?? join(temporaryDirectory(context), 'data');
  const server = await startServer(
    { listen: ['tcp://127.0.0.1:0'], segmentSizeBytes: 1024 * 1024, logLevel: 'silent', ioThreads: IO_THREADS, ...config, data },
    adapters,
  );
  context.after(() => server.close());
  return server;
}

/** A client that ends with the test. */
export async function openClient(context: TestContext, server: Server, name?: string): Promise<WireClient> {
  const client = await WireClient.open(server, name);
  context.after(() => client.close());
  return client;
}

/** What the bytes of rows of an answer say. */
export function receivedRows<S extends TableSchema>(answer: Answer, table: ClientTable<S>, rows: readonly WireRow[]): ReceivedRow<S>[] {
  const view = new DataView(answer.payload.buffer);
  return rows.map(({ rowId, version, lsn, rowStart, rowEnd }) => {
    return { rowId, version, lsn, row: decodeRow(table.layout, answer.payload, view, rowStart, rowEnd - rowStart) };
  });
}

/** The row of an answer to Seek. */
export function soughtRow<S extends TableSchema>(answer: Answer, table: ClientTable<S>): ReceivedRow<S> {
  const [row] = receivedRows(answer, table, [answer.read(decodeSeekAnswer)]);
  return row ?? assert.fail('A row was answered');
}

export function newOperationId(): Uint8Array {
  return randomBytes(16);
}

/** A free seat. */
export function seat(seat_no: number, rest: { rank?: number; is_booked?: number; buyer?: string } = {}): NewRowOf<typeof SEATS> {
  return { rank: 1, seat_no, is_booked: 0, ...rest };
}

test('A server answers the handshake with its limits', async (context) => {
  const server = await openServer(context, { maxInFlight: 77, lockLeaseMsMax: 5000 });
  const client = await openClient(context, server);
  const { databaseId, ...told } = client.handshake ?? assert.fail('The handshake was refused');
  assert.equal(databaseId.length, 16);
  assert.deepEqual(told, {
    version: 1,
    features: 0,
    sessionId: 1n,
    epoch: 1,
    maxFrameBytes: 16_777_216,
    maxResponseRows: 65_536,
    maxResponseBytes: 16_777_216,
    lockLeaseMsMax: 5000,
    maxInFlight: 77,
    serverVersion: '0.1.0',
    durability: 'fsync',
  });
});
