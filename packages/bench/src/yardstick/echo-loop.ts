import {
  ByteWriter,
  DATABASE_ID_SIZE,
  FRAME_HEADER_SIZE,
  MAX_FRAME_BYTES,
  Opcode,
  type OpcodeNumber,
  PROTOCOL_VERSION,
  type TableSchema,
  encodeOpenedTable,
  encodeRow,
  encodeSchema,
  encodeVersionedRow,
  rowLayoutOf,
} from '@k-lani/protocol';
import { type NewRowOf, type RemoteTable, openClient } from 'k-lani-client';
import { type AnswerWriter, echoTransport } from './echo-transport.ts';
import type { LoadResult, LoadShape } from './raw-loop.ts';

/** What the echo answers to point reads with. */
export interface EchoedRow<S extends TableSchema> {
  readonly schema: S;
  readonly row: NewRowOf<S>;
}

const ROW_ID = 1;

const HANDSHAKE = {
  version: PROTOCOL_VERSION,
  features: 0,
  sessionId: 1n,
  databaseId: new Uint8Array(DATABASE_ID_SIZE),
  epoch: 1,
  maxFrameBytes: MAX_FRAME_BYTES,
  maxResponseRows: 1,
  maxResponseBytes: MAX_FRAME_BYTES,
  lockLeaseMsMax: 1,
  serverVersion: 'echo',
  durability: 'os',
} as const;

/** Bytes of the frames that {@link runEchoLoop} sends and receives: those of an answer to a point read. */
export function echoFrameSizeBytes<S extends TableSchema>(echoed: EchoedRow<S>): number {
  const writer = new ByteWriter();
  writeRow(echoed)(writer);
  return FRAME_HEADER_SIZE + writer.length;
}

/**
 * Keeps point reads in flight through the client, against an echo server: what remains is the client and the sockets.
 *
 * `shape.depth` is the number of callers on each connection, each of which waits for its answer before it asks again.
 */
export async function runEchoLoop<S extends TableSchema>(
  url: string,
  shape: Omit<LoadShape, 'frameSizeBytes'>,
  echoed: EchoedRow<S>,
): Promise<LoadResult> {
  const { connections, depth, requests } = shape;
  const transport = echoTransport(HANDSHAKE, answersOf(echoed));
  const clients = await Promise.all(Array.from({ length: connections }, () => openClient(transport, url)));
  try {
    const tables = await Promise.all(clients.map((client) => client.openTable(echoed.schema.table)));
    const roundTripsUs = new Float64Array(depth === 1 ? requests : 0);
    const left = { requests };
    const startedMs = performance.now();
    const callers = tables.flatMap((table) => Array.from({ length: depth }, () => call(table, left, roundTripsUs)));
    await Promise.all(callers);
    const seconds = (performance.now() - startedMs) / 1000;
    return { requests, seconds, perSecond: requests / seconds, roundTripsUs: roundTripsUs.toSorted() };
  } finally {
    await Promise.all(clients.map((client) => client.close()));
  }
}

async function call<S extends TableSchema>(table: RemoteTable<S>, left: { requests: number }, roundTripsUs: Float64Array): Promise<void> {
  while (left.requests > 0) {
    left.requests -= 1;
    const place = left.requests;
    const sentMs = roundTripsUs.length > 0 ? performance.now() : 0;
    const found = await table.seek(ROW_ID);
    if (found === undefined) throw new Error('Cannot take answer: the echo has lost the row');
    if (roundTripsUs.length > 0) roundTripsUs[place] = (performance.now() - sentMs) * 1000;
  }
}

function writeRow<S extends TableSchema>({ schema, row }: EchoedRow<S>): AnswerWriter {
  const bytes = new ByteWriter();
  encodeRow(rowLayoutOf(schema), row, bytes);
  return (writer) => encodeVersionedRow(writer, { rowId: ROW_ID, version: 1, lsn: 1, bytes: bytes.bytes, start: 0, end: bytes.length });
}

function answersOf<S extends TableSchema>(echoed: EchoedRow<S>): Map<OpcodeNumber, AnswerWriter> {
  const schemaJson = encodeSchema(echoed.schema);
  return new Map<OpcodeNumber, AnswerWriter>([
    [Opcode.Disconnect, () => {}],
    [Opcode.OpenTable, (writer) => encodeOpenedTable(writer, { handle: 1, tableId: 1, schemaVersion: 1, schemaJson })],
    [Opcode.Seek, writeRow(echoed)],
  ]);
}
