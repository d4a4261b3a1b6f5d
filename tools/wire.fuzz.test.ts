/** Every command's payload as a property: what is written is read back, and bytes that nobody wrote are a coded error or a value. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { ByteReader, ByteWriter, KLaniError } from '@k-lani/protocol';
import * as fc from 'fast-check';
import type { Arbitrary } from 'fast-check';
import type { WireForm } from './wire-form.ts';
import { WIRE_ANSWERS } from './wire-answers.ts';
import { WIRE_REQUESTS } from './wire-requests.ts';

const FORMS: readonly WireForm[] = [...WIRE_REQUESTS, ...WIRE_ANSWERS];

const u8 = fc.integer({ min: 0, max: 0xff });
const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.oneof(fc.integer({ min: 0, max: 0xffff_ffff }), fc.constantFrom(0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff));
const handle = fc.integer({ min: 1, max: 0xffff_ffff });
const safe = fc.oneof(fc.nat(), fc.maxSafeNat());
const u64 = fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.constantFrom(0n, 2n ** 32n, 2n ** 64n - 1n)).map(String);
const operationId = hex(16);
const text = fc.string({ unit: 'grapheme', maxLength: 20 });
const change = fc.constantFrom(1, 2, 3);

const event = u32;
const rank = u8;
const booked = fc.boolean();
const price = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(decimal);
const buyer = fc.option(fc.string({ unit: 'grapheme-ascii', maxLength: 12 }));
const row = record({ event, rank, is_booked: booked, price, buyer });

const bound = fc.oneof(
  price.map((gte) => ({ gte })),
  price.map((gt) => ({ gt })),
  price.map((lt) => ({ lt })),
  price.map((lte) => ({ lte })),
  fc.tuple(price, price).map(([gte, lt]) => ({ gte, lt })),
  fc.tuple(price, price).map(([gt, lte]) => ({ gt, lte })),
);
const term = fc.oneof(
  event.map((eq) => ({ field: 'event', eq })),
  booked.map((eq) => ({ field: 'is_booked', eq })),
  buyer.map((eq) => ({ field: 'buyer', eq })),
  bound.map((bounds) => ({ field: 'price', ...bounds })),
);
const terms = fc.array(term, { maxLength: 16 });
const assignment = fc.oneof(record({ is_booked: booked }), record({ is_booked: booked, buyer }), record({ rank, buyer, price, event }));
const claimLine = record({ handle, where: terms, set: assignment, count: fc.integer({ min: 1, max: 1024 }) });
const target = { handle, operationId, rowId: u32, fencingToken: u64, ifVersion: u32 };
const batchChange = fc.oneof(
  record({ change: fc.constant(1), handle, rowId: fc.constant(0), fencingToken: fc.constant('0'), ifVersion: fc.constant(0), row }),
  record({ change: fc.constant(2), handle, rowId: u32, fencingToken: u64, ifVersion: u32, row }),
  record({ change: fc.constant(3), handle, rowId: u32, fencingToken: u64, ifVersion: u32, row: fc.constant(null) }),
);

const versionedRow = record({ rowId: u32, version: u32, lsn: safe, row });
const rows = record({ rows: fc.array(versionedRow, { maxLength: 5 }) });
const page = record({ cursor: u32, lsn: safe, rows: fc.array(versionedRow, { maxLength: 5 }) });
const changed = record({ rowId: u32, version: u32, lsn: safe });
const storedSchema = { tableId: u16, schemaVersion: u32, schemaJson: text };
const empty = fc.constant({});
const json = record({ json: text });
const version = { version: u32, lsn: safe, timeMs: safe, actor: text, operationId, fencingToken: u64 };

/** Values for each form, by its name. */
const VALUES: Readonly<Record<string, Arbitrary<unknown>>> = {
  'Handshake request': record({
    versionMin: fc.constantFrom(0, 1),
    versionMax: fc.integer({ min: 1, max: 0xffff }),
    features: u32,
    clientName: fc.string({ unit: 'grapheme-ascii', maxLength: 64 }),
    credentials: fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes).toString('hex')),
  }),
  'Disconnect request': empty,
  'OpenTable request': record({ name: text }),
  'CloseTable request': record({ handle }),
  'CreateTable request': record({ operationId, schemaJson: text }),
  'ListTables request': empty,
  'GetSchema request': record({ handle }),
  'AlterTable request': record({ handle, operationId, schemaJson: text }),
  'Seek request': record({ handle, rowId: u32 }),
  'SeekByField request': fc.oneof(
    record({ handle, limit: u32, field: fc.constant('event'), value: event }),
    record({ handle, limit: u32, field: fc.constant('buyer'), value: buyer }),
  ),
  'SeekByPredicate request': record({ handle, limit: u32, term }),
  'QueryIntersect request': record({ handle, limit: u32, spread: u32, terms }),
  'Count request': record({ handle, terms }),
  'Explain request': record({ handle, terms }),
  'Scan request': record({ handle, pageRows: u32 }),
  'ScanNext request': record({ cursor: u32 }),
  'Fetch request': record({ handle, rowIds: fc.array(u32) }),
  'Stream request': record({ handle, pageRows: u32, terms }),
  'StreamNext request': record({ cursor: u32 }),
  'StreamClose request': record({ cursor: u32 }),
  'History request': record({ handle, rowId: u32, limit: u32, beforeVersion: u32 }),
  'Append request': record({ handle, operationId, row }),
  'Lock request': record({ handle, rowId: u32, leaseMs: u32 }),
  'Replace request': record({ ...target, unlock: booked, row }),
  'Unlock request': record({ handle, rowId: u32, fencingToken: u64 }),
  'Delete request': record(target),
  'Claim request': record({ operationId, returnRows: booked, lines: fc.array(claimLine, { minLength: 1, maxLength: 64 }) }),
  'BatchCommit request': record({ operationId, changes: fc.array(batchChange, { minLength: 1 }) }),
  'OperationStatus request': record({ operationId }),
  'Checkpoint request': empty,
  'SystemGetStats request': empty,
  'Handshake answer': record({
    version: fc.constant(1),
    features: u32,
    sessionId: u64,
    databaseId: hex(16),
    epoch: u32,
    maxFrameBytes: u32,
    maxResponseRows: u32,
    maxResponseBytes: u32,
    lockLeaseMsMax: u32,
    maxInFlight: u32,
    serverVersion: text,
    durability: fc.constantFrom('fsync', 'os'),
  }),
  'Disconnect answer': empty,
  'OpenTable answer': record({ handle, ...storedSchema }),
  'CloseTable answer': empty,
  'CreateTable answer': record({ handle, ...storedSchema }),
  'ListTables answer': record({ tables: fc.array(record({ tableId: u16, name: text, schemaVersion: u32, liveRows: u32 })) }),
  'GetSchema answer': record(storedSchema),
  'AlterTable answer': record({ schemaVersion: u32 }),
  'Seek answer': versionedRow,
  'SeekByField answer': rows,
  'SeekByPredicate answer': rows,
  'QueryIntersect answer': record({ rowIds: fc.array(u32) }),
  'Count answer': record({ count: u32 }),
  'Explain answer': json,
  'Scan answer': page,
  'ScanNext answer': page,
  'Fetch answer': rows,
  'Stream answer': page,
  'StreamNext answer': page,
  'StreamClose answer': empty,
  'History answer': record({
    versions: fc.array(
      fc.oneof(record({ change: fc.constantFrom(1, 2), ...version, row }), record({ change, ...version, row: fc.constant(null) })),
    ),
  }),
  'Append answer': changed,
  'Append refusal': record({ message: text }),
  'Lock answer': record({ fencingToken: u64, leaseMs: u32, version: u32 }),
  'Replace answer': changed,
  'Unlock answer': empty,
  'Delete answer': changed,
  'Claim answer': record({ lsn: safe, lines: fc.array(fc.array(record({ rowId: u32, version: u32 }))) }),
  'Claim answer with rows': record({ lsn: safe, lines: fc.array(fc.array(record({ rowId: u32, version: u32, row }), { maxLength: 5 })) }),
  'Claim refusal': record({ message: text, line: u8 }),
  'BatchCommit answer': record({ lsn: safe, changes: fc.array(record({ rowId: u32, version: u32 })) }),
  'OperationStatus answer': fc.oneof(
    fc.constant({ state: 'unknown' }),
    record({
      state: fc.constant('done'),
      opcode: u8,
      lsn: safe,
      timeMs: safe,
      changes: fc.array(record({ table: text, rowId: u32, version: u32 })),
    }),
  ),
  'Checkpoint answer': record({ lsn: safe }),
  'SystemGetStats answer': json,
};

for (const form of FORMS) {
  test(`${form.name}: what is written is read back, and written again as the same bytes`, () => {
    fc.assert(
      fc.property(valuesOf(form), (value) => {
        const bytes = written(form, value);
        const read = form.decode(readerOf(bytes));
        assert.deepEqual(read, value);
        assert.deepEqual(written(form, read), bytes);
      }),
    );
  });

  test(`${form.name}: cut short or with bytes behind it is a coded error`, () => {
    fc.assert(
      fc.property(valuesOf(form), fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 3 }), (value, cut, rest) => {
        const bytes = written(form, value);
        if (bytes.length > 0) readsOrRefuses(form, bytes.subarray(0, cut % bytes.length), true);
        readsOrRefuses(form, Uint8Array.of(...bytes, ...rest), true);
      }),
    );
  });

  test(`${form.name}: mutated and random bytes are a coded error or a value`, () => {
    const mutations = fc.array(fc.tuple(fc.nat(), u8), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(valuesOf(form), mutations, fc.uint8Array({ maxLength: 200 }), (value, changes, random) => {
        const bytes = written(form, value);
        for (const [at, byte] of changes) if (bytes.length > 0) bytes[at % bytes.length] = byte;
        readsOrRefuses(form, bytes, false);
        readsOrRefuses(form, random, false);
      }),
      { numRuns: 300 },
    );
  });
}

function readsOrRefuses(form: WireForm, bytes: Uint8Array, mustRefuse: boolean): void {
  try {
    form.decode(readerOf(bytes));
  } catch (error) {
    if (error instanceof KLaniError) return;
    throw error;
  }
  assert.ok(!mustRefuse, `${form.name} reads ${bytes.length} bytes that are not its payload`);
}

function valuesOf(form: WireForm): Arbitrary<unknown> {
  const values = VALUES[form.name];
  assert.ok(values !== undefined, `${form.name} has no values here`);
  return values;
}

function written(form: WireForm, value: unknown): Uint8Array {
  const writer = new ByteWriter();
  form.encode(writer, value);
  return writer.bytes.slice(0, writer.length);
}

/** A payload lies somewhere in a larger buffer. */
function readerOf(payload: Uint8Array): ByteReader {
  const bytes = new Uint8Array(payload.length + 11);
  bytes.set(payload, 7);
  return new ByteReader(bytes, new DataView(bytes.buffer), 7, 7 + payload.length, 'payload');
}

function record(model: Readonly<Record<string, Arbitrary<unknown>>>): Arbitrary<unknown> {
  return fc.record(model, { noNullPrototype: true });
}

function hex(sizeBytes: number): Arbitrary<string> {
  return fc.uint8Array({ minLength: sizeBytes, maxLength: sizeBytes }).map((bytes) => Buffer.from(bytes).toString('hex'));
}

function decimal(cents: bigint): string {
  const digits = String(cents < 0n ? -cents : cents).padStart(3, '0');
  return `${cents < 0n ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`;
}
