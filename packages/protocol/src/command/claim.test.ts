import assert from 'node:assert/strict';
import test from 'node:test';
import { ByteReader } from '../bytes-reader.ts';
import { ByteWriter } from '../bytes-writer.ts';
import { KLaniError, type ErrorCode } from '../errors.ts';
import { rowLayoutOf, type RowLayout } from '../row-layout.ts';
import type { DynamicSchema } from '../schema-types.ts';
import { defineTable } from '../schema.ts';
import { decodeClaimRequest, encodeClaimLine, encodeClaimRequest, type ClaimLineSource, type ClaimRequest } from './claim.ts';
import type { LayoutSource } from './term.ts';

const LAYOUT: RowLayout = rowLayoutOf(
  defineTable({
    table: 'seats',
    fields: {
      rank: { type: 'uint8', index: 'non_unique' },
      buyer: { type: 'fixed_string', length: 2, required: false },
    },
  }),
);
const OPERATION_ID = Uint8Array.from({ length: 16 }, (_, index) => index);
const LINE: ClaimLineSource<DynamicSchema> = { handle: 9, where: [{ field: 'rank', eq: 3 }], set: { buyer: 'Al' }, count: 1 };
const LAYOUTS: LayoutSource = {
  layoutOf(handle) {
    if (handle === 9) return LAYOUT;
    throw new KLaniError('InvalidHandle', `Cannot use handle ${handle}`);
  },
};

// Where the parts of a claim with one line are.
const LINE_COUNT_OFFSET = 17;
const HANDLE_OFFSET = 18;
const ORDER_OFFSET = 28;
const ADJACENCY_OFFSET = 29;
const COUNT_OFFSET = 30;
const ASSIGNMENT_COUNT_OFFSET = 32;
const MODE_OFFSET = 35;

function refusal(code: ErrorCode, message: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof KLaniError && error.code === code && message.test(error.message);
}

function claimBytes(line: ClaimLineSource<DynamicSchema> = LINE): Uint8Array {
  const writer = new ByteWriter();
  encodeClaimRequest(writer, OPERATION_ID, false, 1);
  assert.equal(encodeClaimLine(writer, LAYOUT, line), HANDLE_OFFSET);
  return writer.bytes.slice(0, writer.length);
}

function decoded(bytes: Uint8Array): ClaimRequest {
  return decodeClaimRequest(new ByteReader(bytes, new DataView(bytes.buffer), 0, bytes.length, 'payload'), LAYOUTS);
}

/** What decoding says to a claim in which some bytes are others. */
function changed(...changes: readonly (readonly [offset: number, byte: number])[]): () => ClaimRequest {
  const bytes = claimBytes();
  for (const [offset, byte] of changes) bytes[offset] = byte;
  return () => decoded(bytes);
}

test('decodeClaimRequest() gives the places of operation id, handle, terms and values', () => {
  assert.deepEqual(decoded(claimBytes()), {
    operationIdOffset: 0,
    returnRows: false,
    lines: [
      {
        handleOffset: HANDLE_OFFSET,
        handle: 9,
        terms: [{ field: 0, form: 0, lowOffset: 26, highOffset: -1 }],
        count: 1,
        assignments: [{ field: 1, slotOffset: 36 }],
      },
    ],
  });
});

test('decodeClaimRequest() answers reserved order, adjacency and add with Unsupported', () => {
  assert.throws(changed([ORDER_OFFSET, 1]), refusal('Unsupported', /order is 1, must be 0/));
  assert.throws(changed([ADJACENCY_OFFSET, 2]), refusal('Unsupported', /adjacency is 2, must be 0/));
  assert.throws(changed([MODE_OFFSET, 1]), refusal('Unsupported', /assignment mode is 1, must be 0/));
  assert.throws(changed([MODE_OFFSET, 2]), refusal('Protocol', /assignment mode is 2/));
});

test('decodeClaimRequest() refuses counts beyond their limits', () => {
  assert.throws(changed([LINE_COUNT_OFFSET, 0]), refusal('InvalidArgument', /count of claim lines is 0, .* 1 to 64/));
  assert.throws(changed([LINE_COUNT_OFFSET, 65]), refusal('InvalidArgument', /count of claim lines is 65/));
  assert.throws(changed([COUNT_OFFSET, 0]), refusal('InvalidArgument', /count of rows to claim is 0, .* 1 to 1024/));
  assert.throws(changed([COUNT_OFFSET, 1], [COUNT_OFFSET + 1, 4]), refusal('InvalidArgument', /count of rows to claim is 1025/));
  assert.throws(changed([ASSIGNMENT_COUNT_OFFSET, 0]), refusal('InvalidArgument', /count of assignments is 0, .* 1 to 64/));
  assert.throws(changed([ASSIGNMENT_COUNT_OFFSET, 65]), refusal('InvalidArgument', /count of assignments is 65/));
});

test('decodeClaimRequest() refuses a handle of nobody, unknown flags and a line that is missing', () => {
  assert.throws(changed([HANDLE_OFFSET, 8]), refusal('InvalidHandle', /handle 8/));
  assert.throws(changed([16, 2]), refusal('Protocol', /flags are 2/));
  assert.throws(changed([LINE_COUNT_OFFSET, 2]), refusal('Protocol', /cut short/));
});

test('decodeClaimRequest() refuses a field that is assigned twice', () => {
  const bytes = claimBytes({ ...LINE, set: { rank: 1, buyer: 'Al' } });
  const second = bytes.length - 3 - 3;
  bytes[second] = 0;
  assert.throws(() => decoded(bytes), refusal('InvalidArgument', /field number 0 is assigned twice/));
});

test('encodeClaimLine() refuses what the protocol cannot carry', () => {
  assert.throws(() => claimBytes({ ...LINE, count: 0 }), refusal('InvalidArgument', /count of rows to claim is 0/));
  assert.throws(() => claimBytes({ ...LINE, count: 65_537 }), refusal('InvalidArgument', /65537/));
  assert.throws(() => claimBytes({ ...LINE, set: {} }), refusal('InvalidArgument', /count of assignments is 0/));
  assert.throws(() => claimBytes({ ...LINE, set: { buyer: undefined } }), refusal('InvalidArgument', /"buyer": value is undefined/));
  assert.throws(() => claimBytes({ ...LINE, set: { row: 3 } }), refusal('UnknownField', /"row"/));
  assert.throws(() => encodeClaimRequest(new ByteWriter(), OPERATION_ID, false, 0), refusal('InvalidArgument', /lines is 0/));
});
