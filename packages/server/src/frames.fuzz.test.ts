/** Random and mutated frames: whatever a client sends, the server serves on, nothing stays locked and nothing acknowledged is lost. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import * as fc from 'fast-check';
import {
  beginBatchChange,
  beginBatchCommit,
  beginFrame,
  ByteWriter,
  ChangeKind,
  decodeOpenedTable,
  decodeRowIds,
  defineTable,
  encodeAlterTableRequest,
  encodeAppendRequest,
  encodeClaimLine,
  encodeClaimRequest,
  encodeCreateTableRequest,
  encodeCursorRequest,
  encodeDeleteRequest,
  encodeFetchRequest,
  encodeHandleRequest,
  encodeHistoryRequest,
  encodeLockRequest,
  encodeOpenTableRequest,
  encodeOperationStatusRequest,
  encodeQueryIntersectRequest,
  encodeReplaceRequest,
  encodeRow,
  encodeScanRequest,
  encodeSchema,
  encodeSeekByFieldRequest,
  encodeSeekByPredicateRequest,
  encodeSeekRequest,
  encodeTerm,
  encodeTerms,
  encodeTermsRequest,
  encodeUnlockRequest,
  endBatchChange,
  endCount,
  endFrame,
  errorCodeOf,
  FRAME_HEADER_SIZE,
  FrameOffset,
  Opcode,
  opcodeName,
  rowLayoutOf,
} from '@k-lani/protocol';
import type { Server } from './server.ts';
import type { ServerLog } from './service.ts';
import {
  type Answer,
  openClient,
  openServer,
  seat,
  SEATS,
  soughtRow,
  temporaryDirectory,
  WireClient,
  type ClientTable,
} from './wire-client.test.ts';

const LAYOUT = rowLayoutOf(SEATS);
const KEPT = defineTable({ table: 'kept', fields: { number: { type: 'uint32', index: 'unique' } } });

const WHERE = [
  { field: 'rank', eq: 1 },
  { field: 'price', gte: -5, lt: 100 },
] as const;

/** Good requests of every command, for a session whose handle is given; `number` varies what they say. */
const REQUESTS: readonly { opcode: number; put: (writer: ByteWriter, handle: number, number: number) => void }[] = [
  { opcode: Opcode.Handshake, put: (writer) => writer.append(new Uint8Array(20)) },
  { opcode: Opcode.Disconnect, put: () => undefined },
  { opcode: Opcode.OpenTable, put: (writer) => encodeOpenTableRequest(writer, 'seats') },
  { opcode: Opcode.CloseTable, put: (writer, handle) => encodeHandleRequest(writer, handle) },
  { opcode: Opcode.CreateTable, put: (writer, _handle, number) => encodeCreateTableRequest(writer, id(number), encodeSchema(SEATS)) },
  { opcode: Opcode.ListTables, put: () => undefined },
  { opcode: Opcode.GetSchema, put: (writer, handle) => encodeHandleRequest(writer, handle) },
  { opcode: Opcode.AlterTable, put: (writer, handle, number) => encodeAlterTableRequest(writer, handle, id(number), encodeSchema(SEATS)) },
  { opcode: Opcode.Seek, put: (writer, handle, number) => encodeSeekRequest(writer, handle, number) },
  {
    opcode: Opcode.SeekByField,
    put: (writer, handle, number) => encodeSeekByFieldRequest(writer, LAYOUT, { handle, limit: number, field: number % 4, value: number }),
  },
  {
    opcode: Opcode.SeekByPredicate,
    put(writer, handle, number) {
      encodeSeekByPredicateRequest(writer, handle, number);
      encodeTerm(writer, LAYOUT, WHERE[1]);
    },
  },
  {
    opcode: Opcode.QueryIntersect,
    put(writer, handle, number) {
      encodeQueryIntersectRequest(writer, handle, 10, number);
      encodeTerms(writer, LAYOUT, WHERE);
    },
  },
  { opcode: Opcode.Count, put: putTerms },
  { opcode: Opcode.Explain, put: putTerms },
  { opcode: Opcode.Scan, put: (writer, handle, number) => encodeScanRequest(writer, handle, number) },
  { opcode: Opcode.ScanNext, put: (writer, _handle, number) => encodeCursorRequest(writer, number) },
  { opcode: Opcode.Fetch, put: (writer, handle, number) => encodeFetchRequest(writer, handle, [1, number, 99]) },
  {
    opcode: Opcode.Stream,
    put(writer, handle, number) {
      encodeScanRequest(writer, handle, number);
      encodeTerms(writer, LAYOUT, WHERE);
    },
  },
  { opcode: Opcode.StreamNext, put: (writer, _handle, number) => encodeCursorRequest(writer, number) },
  { opcode: Opcode.StreamClose, put: (writer, _handle, number) => encodeCursorRequest(writer, number) },
  {
    opcode: Opcode.History,
    put: (writer, handle, number) => encodeHistoryRequest(writer, { handle, rowId: number, limit: 5, beforeVersion: 0 }),
  },
  {
    opcode: Opcode.Append,
    put(writer, handle, number) {
      encodeAppendRequest(writer, handle, id(number));
      putRow(writer, number);
    },
  },
  { opcode: Opcode.Lock, put: (writer, handle, number) => encodeLockRequest(writer, handle, number, 0) },
  {
    opcode: Opcode.Replace,
    put(writer, handle, number) {
      encodeReplaceRequest(writer, id(number), { handle, rowId: number, tokenLow: 0, tokenHigh: 0, ifVersion: 1 }, number % 2 === 0);
      putRow(writer, number + 1);
    },
  },
  {
    opcode: Opcode.Unlock,
    put: (writer, handle, number) => encodeUnlockRequest(writer, { handle, rowId: number, tokenLow: 1, tokenHigh: 1024 }),
  },
  {
    opcode: Opcode.Delete,
    put: (writer, handle, number) =>
      encodeDeleteRequest(writer, id(number), { handle, rowId: number, tokenLow: 0, tokenHigh: 0, ifVersion: 1 }),
  },
  {
    opcode: Opcode.Claim,
    put(writer, handle, number) {
      encodeClaimRequest(writer, id(number), number % 2 === 0, 2);
      for (const count of [1, 2]) encodeClaimLine(writer, LAYOUT, { handle, where: WHERE, set: { is_booked: 1, buyer: 'Ada' }, count });
    },
  },
  {
    opcode: Opcode.BatchCommit,
    put(writer, handle, number) {
      const countOffset = beginBatchCommit(writer, id(number));
      for (const change of [ChangeKind.append, ChangeKind.delete]) {
        const isAppend = change === ChangeKind.append;
        const start = beginBatchChange(writer, {
          change,
          handle,
          rowId: isAppend ? 0 : number,
          tokenLow: 0,
          tokenHigh: 0,
          ifVersion: isAppend ? 0 : 1,
        });
        if (isAppend) putRow(writer, number);
        endBatchChange(writer, start);
      }
      endCount(writer, countOffset, 2);
    },
  },
  { opcode: Opcode.OperationStatus, put: (writer, _handle, number) => encodeOperationStatusRequest(writer, id(number)) },
  { opcode: Opcode.Checkpoint, put: () => undefined },
  { opcode: Opcode.SystemGetStats, put: () => undefined },
];

function putTerms(writer: ByteWriter, handle: number): void {
  encodeTermsRequest(writer, handle);
  encodeTerms(writer, LAYOUT, WHERE);
}

function putRow(writer: ByteWriter, number: number): void {
  encodeRow(LAYOUT, { ...seat(number), price: number, note: new Uint8Array(number % 50) }, writer);
}

function id(number: number): Uint8Array {
  return new Uint8Array(16).fill(number);
}

/** What is done to a good frame. */
type Mutation =
  | { readonly kind: 'none' }
  | { readonly kind: 'flip'; readonly at: number; readonly bits: number }
  | { readonly kind: 'word'; readonly at: number; readonly value: number }
  | { readonly kind: 'cut'; readonly sizeBytes: number }
  | { readonly kind: 'insert'; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: 'length'; readonly value: number };

const u32 = fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 0xffff_ffff }));
const at = fc.nat({ max: 200 });
const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  { weight: 3, arbitrary: fc.constant({ kind: 'none' as const }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('flip' as const), at, bits: fc.integer({ min: 1, max: 255 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('word' as const), at, value: u32 }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('cut' as const), sizeBytes: fc.integer({ min: 1, max: 60 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('insert' as const), at, bytes: fc.uint8Array({ minLength: 1, maxLength: 30 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('length' as const), value: u32 }) },
);
/** What one client sends. */
interface Script {
  readonly frames: readonly { readonly request: number; readonly number: number; readonly mutation: Mutation }[];
  readonly tail: Uint8Array | null;
  readonly greets: boolean;
  readonly chunkSizes: readonly number[];
}

const mutatedFrame = fc.record({ request: fc.nat({ max: REQUESTS.length - 1 }), number: fc.integer({ min: 0, max: 40 }), mutation });
const noise = fc.uint8Array({ minLength: 1, maxLength: 100 });
const script: fc.Arbitrary<Script> = fc.record({
  frames: fc.array(mutatedFrame, { maxLength: 20 }),
  tail: fc.option(noise),
  greets: fc.boolean(),
  chunkSizes: fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 5 }),
});

/** One that nothing is wrong with: what is drawn at random may have none. */
const sound: Script = {
  frames: [{ request: REQUESTS.findIndex(({ opcode }) => opcode === Opcode.Append), number: 40, mutation: { kind: 'none' } }],
  tail: null,
  greets: true,
  chunkSizes: [300],
};

/** A frame with a mutation. All but those of the header keep the length right, so that what is behind the header is read. */
function mutated(
  { request, number, mutation: change }: { request: number; number: number; mutation: Mutation },
  handle: number,
): Uint8Array {
  const writer = new ByteWriter();
  const { opcode, put } = REQUESTS[request] ?? assert.fail('The request exists');
  const start = beginFrame(writer, opcode, 0, 0, number, 0);
  put(writer, handle, number);
  endFrame(writer, start);
  const good = writer.bytes.slice(0, writer.length);
  if (change.kind === 'none') return good;
  if (change.kind === 'length') return withLength(good, change.value);
  if (change.kind === 'cut') return withLength(good.slice(0, Math.max(FRAME_HEADER_SIZE, good.length - change.sizeBytes)));
  const place = change.at % good.length;
  if (change.kind === 'insert') {
    const behind = Math.max(FRAME_HEADER_SIZE, place);
    return withLength(Uint8Array.from([...good.slice(0, behind), ...change.bytes, ...good.slice(behind)]));
  }
  if (change.kind === 'flip') good[place] = (good[place] ?? 0) ^ change.bits;
  else if (place + 4 <= good.length) new DataView(good.buffer).setUint32(place, change.value, true);
  return good;
}

function withLength(bytes: Uint8Array, length = bytes.length): Uint8Array {
  new DataView(bytes.buffer).setUint32(FrameOffset.length, length, true);
  return bytes;
}

/** Sends a script, ends the connection, and waits until the server has ended it too. */
async function play(server: Server, { frames, tail, greets, chunkSizes }: Script): Promise<readonly Answer[]> {
  const client = await WireClient.connect(server);
  let handle = 0;
  if (greets) {
    await client.greet('fuzz');
    handle = (await client.call(Opcode.OpenTable, (writer) => encodeOpenTableRequest(writer, 'seats'))).read(decodeOpenedTable).handle;
  }
  const bytes = Buffer.concat([...frames.map((frame) => mutated(frame, handle)), tail ?? new Uint8Array(0)]);
  for (let start = 0, index = 0; start < bytes.length; index += 1) {
    const end = start + (chunkSizes[index % chunkSizes.length] ?? 1);
    client.send(bytes.subarray(start, end));
    start = end;
  }
  client.socket.end();
  await client.ended;
  return client.answers;
}

async function keptNumbers(client: WireClient, table: ClientTable<typeof KEPT>): Promise<number[]> {
  const found = await client.call(Opcode.QueryIntersect, (writer) => {
    encodeQueryIntersectRequest(writer, table.handle, 0, 0);
    encodeTerms(writer, table.layout, []);
  });
  const numbers: number[] = [];
  for (const rowId of found.read(decodeRowIds)) {
    numbers.push(soughtRow(await client.seek(table, rowId), table).row.number);
  }
  return numbers;
}

test('Whatever a client sends, the server serves on, nothing is locked and nothing acknowledged is lost', async (context) => {
  const data = join(temporaryDirectory(context), 'data');
  const bugs: string[] = [];
  const log: ServerLog = {
    error: (_details, message) => void bugs.push(message),
    warn: () => undefined,
    info: () => undefined,
    debug: () => undefined,
  };
  const server = await openServer(context, { data }, { log });
  const witness = await openClient(context, server);
  const seats = await witness.create(SEATS);
  for (let number = 1; number <= 10; number += 1) await witness.append(seats, seat(number));
  const kept = await witness.create(KEPT);
  let count = 0;
  const seen = new Set<string>();
  await fc.assert(
    fc.asyncProperty(fc.array(script, { minLength: 1, maxLength: 3 }), async (scripts) => {
      const answers = await Promise.all(scripts.map((one) => play(server, one)));
      for (const { opcode, status } of answers.flat()) seen.add(status === 0 ? `${opcodeName(opcode)} done` : String(errorCodeOf(status)));
      while (server.stats.server.sessions > 1) await new Promise((resolve) => setImmediate(resolve));
      count += 1;
      assert.equal((await witness.append(kept, { number: count })).status, 0);
      assert.equal((await witness.seek(kept, count)).status, 0);
      assert.equal(server.stats.locks, 0);
      assert.deepEqual(bugs, []);
    }),
    { numRuns: 150, examples: [[[sound]]] },
  );
  // The mutations neither break everything nor leave everything whole.
  for (const what of ['Append done', 'Protocol', 'InvalidHandle']) assert.ok(seen.has(what), what);
  assert.ok(seen.size >= 25, `${seen.size} kinds of answers`);
  const numbers = Array.from({ length: count }, (_, index) => index + 1);
  assert.deepEqual(await keptNumbers(witness, kept), numbers);
  await server.close();
  const restarted = await openServer(context, { data });
  const again = await openClient(context, restarted);
  assert.deepEqual(await keptNumbers(again, await again.openTable(KEPT)), numbers);
});
