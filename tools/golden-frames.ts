import { ByteWriter, beginFrame, encodeSchema, endFrame, ERRORS, FRAME_FLAG_ANSWER } from '@k-lani/protocol';
import { WIRE_ANSWERS } from './wire-answers.ts';
import { SEATS, toHex, type WireForm } from './wire-form.ts';
import { WIRE_REQUESTS } from './wire-requests.ts';

/** One frame of `golden/frames.json`. */
export interface GoldenFrame {
  readonly name: string;
  readonly opcode: number;
  readonly isAnswer: boolean;
  /** The number of an error, or 0. */
  readonly status: number;
  readonly requestId: number;
  /** Of a request the deadline, of an answer the retry-after. */
  readonly waitMs: number;
  /** The whole frame. */
  readonly hex: string;
  /** What the payload says. */
  readonly value: unknown;
}

interface Sample {
  readonly form: string;
  /** What is particular about it, where a form has several. */
  readonly note?: string;
  readonly status?: number;
  readonly waitMs?: number;
  readonly value: unknown;
}

const SCHEMA_JSON = encodeSchema(SEATS);
const OPERATION_ID = '0198c5f27a5b7c3d8e9f0a1b2c3d4e5f';
const FENCING_TOKEN = String(3n * 2n ** 42n + 17n);
const FREE = { event: 7, rank: 3, is_booked: false, price: '129.90', buyer: null };
const SOLD = { event: 7, rank: 3, is_booked: true, price: '129.90', buyer: 'Zoë' };
const STORED_SCHEMA = { tableId: 1, schemaVersion: 1, schemaJson: SCHEMA_JSON };
const OPENED = { handle: 1, ...STORED_SCHEMA };
const WHERE = [
  { field: 'is_booked', eq: false },
  { field: 'rank', eq: 3 },
];
const RANGE = { field: 'price', gte: '100.00', lt: '150.00' };
const TARGET = { handle: 1, operationId: OPERATION_ID, rowId: 42, fencingToken: FENCING_TOKEN, ifVersion: 1 };
const UNLOCKED = { fencingToken: '0', ifVersion: 0 };
const CHANGED = { rowId: 42, version: 2, lsn: 12_345 };
const ROW = { rowId: 42, version: 1, lsn: 678, row: FREE };
const SOLD_ROW = { rowId: 43, version: 2, lsn: 2 ** 33 + 5, row: SOLD };

const REQUESTS: readonly Sample[] = [
  { form: 'Handshake request', value: { versionMin: 1, versionMax: 1, features: 0, clientName: 'box-office', credentials: '' } },
  { form: 'Disconnect request', value: {} },
  { form: 'OpenTable request', value: { name: 'seats' } },
  { form: 'CloseTable request', value: { handle: 1 } },
  { form: 'CreateTable request', value: { operationId: OPERATION_ID, schemaJson: SCHEMA_JSON } },
  { form: 'ListTables request', value: {} },
  { form: 'GetSchema request', value: { handle: 1 } },
  { form: 'AlterTable request', value: { handle: 1, operationId: OPERATION_ID, schemaJson: SCHEMA_JSON } },
  { form: 'Seek request', waitMs: 30_000, value: { handle: 1, rowId: 42 } },
  { form: 'SeekByField request', value: { handle: 1, limit: 10, field: 'buyer', value: 'Zoë' } },
  { form: 'SeekByField request', note: 'for null', value: { handle: 1, limit: 10, field: 'buyer', value: null } },
  { form: 'SeekByPredicate request', value: { handle: 1, limit: 10, term: RANGE } },
  {
    form: 'SeekByPredicate request',
    note: 'with exclusive low and inclusive high',
    value: { handle: 1, limit: 10, term: { field: 'price', gt: '-0.01', lte: '0.00' } },
  },
  { form: 'QueryIntersect request', value: { handle: 1, limit: 64, spread: 0, terms: WHERE } },
  { form: 'Count request', value: { handle: 1, terms: [{ field: 'price', gt: '99.99' }] } },
  { form: 'Explain request', value: { handle: 1, terms: [...WHERE, { field: 'price', lte: '150.00' }] } },
  { form: 'Scan request', value: { handle: 1, pageRows: 1000 } },
  { form: 'ScanNext request', value: { cursor: 5 } },
  { form: 'Fetch request', value: { handle: 1, rowIds: [42, 43, 4_294_967_294] } },
  { form: 'Stream request', value: { handle: 1, pageRows: 1000, terms: WHERE } },
  { form: 'StreamNext request', value: { cursor: 5 } },
  { form: 'StreamClose request', value: { cursor: 5 } },
  { form: 'History request', value: { handle: 1, rowId: 42, limit: 10, beforeVersion: 0 } },
  { form: 'Append request', value: { handle: 1, operationId: OPERATION_ID, row: FREE } },
  { form: 'Lock request', value: { handle: 1, rowId: 42, leaseMs: 5000 } },
  { form: 'Replace request', value: { ...TARGET, unlock: true, row: SOLD } },
  { form: 'Unlock request', value: { handle: 1, rowId: 42, fencingToken: FENCING_TOKEN } },
  { form: 'Delete request', value: TARGET },
  {
    form: 'Claim request',
    value: {
      operationId: OPERATION_ID,
      returnRows: true,
      lines: [{ handle: 1, where: WHERE, set: { is_booked: true, buyer: 'Zoë' }, count: 1 }],
    },
  },
  {
    form: 'BatchCommit request',
    value: {
      operationId: OPERATION_ID,
      changes: [
        { change: 1, handle: 1, rowId: 0, ...UNLOCKED, row: FREE },
        { change: 2, handle: 1, rowId: 42, fencingToken: FENCING_TOKEN, ifVersion: 1, row: SOLD },
        { change: 3, handle: 1, rowId: 43, fencingToken: '0', ifVersion: 2, row: null },
      ],
    },
  },
  { form: 'OperationStatus request', value: { operationId: OPERATION_ID } },
  { form: 'Checkpoint request', value: {} },
  { form: 'SystemGetStats request', value: {} },
];

const ANSWERS: readonly Sample[] = [
  {
    form: 'Handshake answer',
    value: {
      version: 1,
      features: 0,
      sessionId: '9007199254740993',
      databaseId: '000102030405060708090a0b0c0d0e0f',
      epoch: 3,
      maxFrameBytes: 16_777_216,
      maxResponseRows: 10_000,
      maxResponseBytes: 16_000_000,
      lockLeaseMsMax: 300_000,
      maxInFlight: 1024,
      serverVersion: '0.1.0',
      durability: 'fsync',
    },
  },
  { form: 'Disconnect answer', value: {} },
  { form: 'OpenTable answer', value: OPENED },
  { form: 'CloseTable answer', value: {} },
  { form: 'CreateTable answer', value: OPENED },
  { form: 'ListTables answer', value: { tables: [{ tableId: 1, name: 'seats', schemaVersion: 1, liveRows: 10_000 }] } },
  { form: 'GetSchema answer', value: STORED_SCHEMA },
  { form: 'AlterTable answer', value: { schemaVersion: 2 } },
  { form: 'Seek answer', value: ROW },
  { form: 'SeekByField answer', value: { rows: [SOLD_ROW] } },
  { form: 'SeekByPredicate answer', value: { rows: [ROW, SOLD_ROW] } },
  { form: 'QueryIntersect answer', value: { rowIds: [42, 44, 47] } },
  { form: 'Count answer', value: { count: 9_999 } },
  { form: 'Explain answer', value: { json: '{"driver":"bitmaps","estimate":3,"terms":[{"field":"rank","role":"drives","rows":1000}]}' } },
  { form: 'Scan answer', value: { cursor: 5, lsn: 700, rows: [ROW] } },
  { form: 'ScanNext answer', note: 'at the end', value: { cursor: 0, lsn: 700, rows: [] } },
  { form: 'Fetch answer', value: { rows: [ROW, SOLD_ROW] } },
  { form: 'Stream answer', value: { cursor: 5, lsn: 700, rows: [ROW] } },
  { form: 'StreamNext answer', note: 'at the end', value: { cursor: 0, lsn: 700, rows: [SOLD_ROW] } },
  { form: 'StreamClose answer', value: {} },
  {
    form: 'History answer',
    value: {
      versions: [
        historyVersion(3, { change: 3, row: null }),
        historyVersion(2, { change: 2, fencingToken: FENCING_TOKEN, row: SOLD }),
        historyVersion(1, { change: 1, row: FREE }),
      ],
    },
  },
  { form: 'Append answer', value: CHANGED },
  {
    form: 'Append refusal',
    status: ERRORS.DuplicateKey.number,
    value: { message: 'Cannot append row to "seats": "buyer" is "Zoë" in row 43 already, must be unique' },
  },
  { form: 'Lock answer', value: { fencingToken: FENCING_TOKEN, leaseMs: 5000, version: 1 } },
  { form: 'Replace answer', value: CHANGED },
  { form: 'Unlock answer', value: {} },
  { form: 'Delete answer', value: CHANGED },
  {
    form: 'Claim answer',
    value: {
      lsn: 12_346,
      lines: [
        [
          { rowId: 42, version: 2 },
          { rowId: 44, version: 5 },
        ],
      ],
    },
  },
  { form: 'Claim answer with rows', value: { lsn: 12_345, lines: [[{ rowId: 42, version: 2, row: SOLD }]] } },
  {
    form: 'Claim refusal',
    status: ERRORS.AllLocked.number,
    waitMs: 250,
    value: { message: 'Cannot claim: 3 rows match line 0, and others hold the locks of all of them', line: 0 },
  },
  {
    form: 'BatchCommit answer',
    value: {
      lsn: 12_345,
      changes: [
        { rowId: 10_001, version: 1 },
        { rowId: 42, version: 2 },
        { rowId: 43, version: 3 },
      ],
    },
  },
  {
    form: 'OperationStatus answer',
    value: {
      state: 'done',
      opcode: 0x45,
      lsn: 12_345,
      timeMs: 1_798_740_000_000,
      changes: [{ table: 'seats', rowId: 42, version: 2 }],
    },
  },
  { form: 'OperationStatus answer', note: 'for an unknown one', value: { state: 'unknown' } },
  { form: 'Checkpoint answer', value: { lsn: 12_345 } },
  { form: 'SystemGetStats answer', value: { json: '{"tables":1}' } },
];

/** Every frame, made by this code. An answer has the request id of the first request of its command. */
export function goldenFrames(): readonly GoldenFrame[] {
  const requests = REQUESTS.map((sample, index) => goldenFrame(sample, index + 1));
  const answers = ANSWERS.map((sample) => {
    const { opcode } = formOf(sample.form);
    return goldenFrame(sample, requests.find((request) => request.opcode === opcode)?.requestId ?? 0);
  });
  return [...requests, ...answers];
}

/** The form of a golden frame's payload. */
export function formOf(name: string): WireForm {
  const forms = [...WIRE_REQUESTS, ...WIRE_ANSWERS].filter((form) => name === form.name || name.startsWith(`${form.name}, `));
  const [form] = forms;
  if (form === undefined || forms.length > 1) throw new Error(`Cannot find the form of golden frame "${name}"`);
  return form;
}

function goldenFrame({ form: formName, note, status = 0, waitMs = 0, value }: Sample, requestId: number): GoldenFrame {
  const name = note === undefined ? formName : `${formName}, ${note}`;
  const form = formOf(name);
  const { opcode, isAnswer } = form;
  const header = { name, opcode, isAnswer, status, requestId, waitMs };
  return { ...header, hex: frameHex(form, header, value), value };
}

type Header = Pick<GoldenFrame, 'opcode' | 'isAnswer' | 'status' | 'requestId' | 'waitMs'>;

/** The bytes of a frame whose payload is `value`. */
export function frameHex(form: WireForm, { opcode, isAnswer, status, requestId, waitMs }: Header, value: unknown): string {
  const writer = new ByteWriter();
  const start = beginFrame(writer, opcode, isAnswer ? FRAME_FLAG_ANSWER : 0, status, requestId, waitMs);
  form.encode(writer, value);
  endFrame(writer, start);
  return toHex(writer.bytes, 0, writer.length);
}

function historyVersion(version: number, particular: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const when = { lsn: version * 100, timeMs: 1_798_740_000_000 + version };
  return { version, ...when, actor: 'box-office', operationId: OPERATION_ID, fencingToken: '0', ...particular };
}
