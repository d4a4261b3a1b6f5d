import assert from 'node:assert/strict';
import test from 'node:test';
import {
  ByteReader,
  ByteWriter,
  ChangeKind,
  type ErrorCode,
  Opcode,
  beginCount,
  beginPage,
  decodeClaimRequest,
  decodeCursorRequest,
  decodeDeleteRequest,
  decodeFetchRequest,
  decodeFieldSlot,
  decodeHistoryRequest,
  decodeQueryIntersectRequest,
  decodeReplaceRequest,
  decodeScanRequest,
  decodeSeekByFieldRequest,
  decodeSeekByPredicateRequest,
  decodeStreamRequest,
  decodeTermsRequest,
  encodeChangeAnswer,
  encodeChangedRow,
  encodeClaimAnswer,
  encodeClaimRefusal,
  encodeClaimedCount,
  encodeClaimedRowBytes,
  encodeCountAnswer,
  encodeJsonAnswer,
  encodeRow,
  encodeRowIds,
  encodeVersion,
  encodeVersionedRow,
  endCount,
  endPage,
  formatOperationId,
  parseOperationId,
  rowLayoutOf,
} from '@k-lani/protocol';
import type { FakeRequest, FakeServer } from './fake-server.fixture.ts';
import { SEATS, setUpFake } from './fake-setup.fixture.ts';

const LAYOUT = rowLayoutOf(SEATS);
const LAYOUTS = { layoutOf: () => LAYOUT };
const OPERATION_ID = '0123456789abcdef0123456789abcdef';
const ADA = { rank: 3, price: 250, buyer: 'ada' };

/** The bytes of a row. */
function rowBytes(row: Parameters<typeof encodeRow<typeof SEATS>>[1]): Uint8Array {
  const writer = new ByteWriter();
  encodeRow(LAYOUT, row, writer);
  return writer.bytes.slice(0, writer.length);
}

function writeRow(writer: ByteWriter, rowId: number, bytes = rowBytes(ADA)): void {
  encodeVersionedRow(writer, { rowId, version: 2, lsn: 40 + rowId, bytes, start: 0, end: bytes.length });
}

function readerOf({ payload }: FakeRequest): ByteReader {
  return new ByteReader(payload, new DataView(payload.buffer), 0, payload.length, 'request');
}

/** Answers the next request of a command, and keeps it. */
function answerNext(server: FakeServer, opcode: number, write: (writer: ByteWriter) => void): void {
  server.handler = (request) => {
    if (request.opcode !== opcode) return false;
    request.session.answer(request, write);
    return true;
  };
}

/** Refuses the next claims. */
function refuseNext(server: FakeServer, code: ErrorCode, { retryAfterMs, line }: { retryAfterMs: number; line: number }): void {
  server.handler = (request) => {
    request.session.refuse(request, code, retryAfterMs, (writer) => encodeClaimRefusal(writer, 'not now', line));
    return true;
  };
}

/** The last request of a command, to be decoded. */
function last(server: FakeServer, opcode: number): ByteReader {
  const request = server.of(opcode).at(-1);
  assert.ok(request);
  return readerOf(request);
}

test('seekByField() asks for a value of an indexed field and gives rows', async () => {
  const { server, seats } = await setUpFake();
  answerNext(server, Opcode.SeekByField, (writer) => {
    const count = beginCount(writer);
    writeRow(writer, 1);
    writeRow(writer, 2, rowBytes({ rank: 3, price: 0 }));
    endCount(writer, count, 2);
  });
  assert.deepEqual(await seats.seekByField('rank', 3, { limit: 10 }), [
    { rowId: 1, version: 2, lsn: 41, row: ADA },
    { rowId: 2, version: 2, lsn: 42, row: { rank: 3, price: 0, buyer: null } },
  ]);
  const reader = last(server, Opcode.SeekByField);
  const { field, limit, slotOffset } = decodeSeekByFieldRequest(reader, LAYOUTS);
  assert.deepEqual([field, limit], [0, 10]);
  assert.equal(decodeFieldSlot(LAYOUT, field, reader.bytes, reader.view, slotOffset), 3);
});

test('seekByPredicate() asks with one term, for 64 rows unless told otherwise', async () => {
  const { server, seats } = await setUpFake();
  answerNext(server, Opcode.SeekByPredicate, (writer) => endCount(writer, beginCount(writer), 0));
  assert.deepEqual(await seats.seekByPredicate({ field: 'price', gte: 10, lt: 20 }), []);
  const { term, limit } = decodeSeekByPredicateRequest(last(server, Opcode.SeekByPredicate), LAYOUTS);
  assert.deepEqual([term.field, term.form, limit], [1, 1 | 4 | 8, 64]);
});

test('queryIntersect() gives row ids, 64 unless told otherwise', async () => {
  const { server, seats } = await setUpFake();
  answerNext(server, Opcode.QueryIntersect, (writer) => encodeRowIds(writer, [5, 9], 2));
  assert.deepEqual(await seats.queryIntersect([{ field: 'rank', eq: 3 }]), [5, 9]);
  const request = decodeQueryIntersectRequest(last(server, Opcode.QueryIntersect), LAYOUTS);
  assert.deepEqual([request.limit, request.spread, request.terms.length], [64, 0, 1]);
  await seats.queryIntersect([], { limit: 7, spread: 99 });
  const other = decodeQueryIntersectRequest(last(server, Opcode.QueryIntersect), LAYOUTS);
  assert.deepEqual([other.limit, other.spread, other.terms.length], [7, 99, 0]);
});

test('count() and explain() ask with terms', async () => {
  const { server, seats } = await setUpFake();
  answerNext(server, Opcode.Count, (writer) => encodeCountAnswer(writer, 12));
  assert.equal(await seats.count([{ field: 'rank', eq: 3 }]), 12);
  assert.equal(await seats.count(), 12);
  assert.equal(decodeTermsRequest(last(server, Opcode.Count), LAYOUTS).terms.length, 0);
  const explanation = { driver: 'bitmaps', estimate: 4, terms: [{ field: 'rank', role: 'drives', rows: 4 }] };
  answerNext(server, Opcode.Explain, (writer) => encodeJsonAnswer(writer, JSON.stringify(explanation)));
  assert.deepEqual(await seats.explain([{ field: 'rank', eq: 3 }]), explanation);
});

for (const json of ['', '[4]', '{}', '{"driver":"rows","estimate":1,"terms":[{}]}', '{"driver":"best","estimate":1,"terms":[]}']) {
  test(`explain() refuses what is no explanation: ${json}`, async () => {
    const { server, seats } = await setUpFake();
    answerNext(server, Opcode.Explain, (writer) => encodeJsonAnswer(writer, json));
    await assert.rejects(seats.explain([]), { code: 'Protocol' });
  });
}

test('fetch() gives the rows that exist', async () => {
  const { server, seats } = await setUpFake();
  answerNext(server, Opcode.Fetch, (writer) => {
    const count = beginCount(writer);
    writeRow(writer, 8);
    endCount(writer, count, 1);
  });
  const rows = await seats.fetch([7, 8]);
  assert.deepEqual(
    rows.map(({ rowId }) => rowId),
    [8],
  );
  assert.equal(decodeFetchRequest(last(server, Opcode.Fetch)).count, 2);
});

test('history() gives versions with time, actor, operation id and token', async () => {
  const { server, seats } = await setUpFake();
  const version = { timeMs: 86_400_000, actor: 'box-office', operationId: parseOperationId(OPERATION_ID), operationIdOffset: 0 };
  const bytes = rowBytes(ADA);
  answerNext(server, Opcode.History, (writer) => {
    const count = beginCount(writer);
    const none = { tokenLow: 0, tokenHigh: 0 };
    encodeVersion(writer, { ...version, ...none, change: ChangeKind.delete, version: 3, lsn: 30, bytes, start: 0, end: 0 });
    const token = { tokenLow: 5, tokenHigh: 1 };
    encodeVersion(writer, { ...version, ...token, change: ChangeKind.replace, version: 2, lsn: 20, bytes, start: 0, end: bytes.length });
    endCount(writer, count, 2);
  });
  const common = { time: new Date('1970-01-02T00:00:00Z'), actor: 'box-office', operationId: OPERATION_ID };
  assert.deepEqual(await seats.history(4, { limit: 2, beforeVersion: 9 }), [
    { change: 'delete', version: 3, lsn: 30, ...common, fencingToken: undefined, row: null },
    { change: 'replace', version: 2, lsn: 20, ...common, fencingToken: 2n ** 32n + 5n, row: ADA },
  ]);
  const { rowId, limit, beforeVersion } = decodeHistoryRequest(last(server, Opcode.History));
  assert.deepEqual([rowId, limit, beforeVersion], [4, 2, 9]);
});

test('replace() and delete() carry the version that the row must have, and the id that the caller chose', async () => {
  const { server, seats } = await setUpFake();
  answerNext(server, Opcode.Replace, (writer) => encodeChangeAnswer(writer, 4, 3, 50));
  assert.deepEqual(await seats.replace(4, ADA, { ifVersion: 2, operationId: OPERATION_ID }), { rowId: 4, version: 3, lsn: 50 });
  const reader = last(server, Opcode.Replace);
  const replace = decodeReplaceRequest(reader);
  assert.deepEqual([replace.rowId, replace.ifVersion, replace.unlock, replace.tokenLow], [4, 2, false, 0]);
  assert.equal(formatOperationId(reader.bytes, replace.operationIdOffset), OPERATION_ID);
  answerNext(server, Opcode.Delete, (writer) => encodeChangeAnswer(writer, 4, 4, 51));
  assert.deepEqual(await seats.delete(4, { ifVersion: 3 }), { rowId: 4, version: 4, lsn: 51 });
  assert.equal(decodeDeleteRequest(last(server, Opcode.Delete)).ifVersion, 3);
  await assert.rejects(seats.append(ADA, { operationId: 'mine' }), { code: 'InvalidArgument' });
});

test('tryLock() answers undefined for a locked row, and a lock with its token for a free one', async () => {
  const { server, seats } = await setUpFake();
  await seats.append(ADA);
  const lock = await seats.tryLock(1, { leaseMs: 500 });
  assert.ok(lock);
  assert.deepEqual([lock.rowId, lock.version, lock.leaseMs, lock.token], [1, 1, 5000, 1n]);
  assert.equal(await seats.tryLock(1), undefined);
  assert.equal((await lock.seek())?.row.buyer, 'ada');
  assert.equal((await lock.replace({ ...ADA, buyer: 'bob' })).version, 2);
  assert.equal((await lock.replaceAndUnlock({ ...ADA, buyer: 'eve' })).version, 3);
  assert.equal(server.table.locks.size, 0);
  await assert.rejects(lock.replace(ADA), { code: 'NotLocked' });
  await assert.rejects(seats.tryLock(99), { code: 'NotFound' });
});

test('A lock that is disposed of is given back once', async () => {
  const { server, seats } = await setUpFake();
  await seats.append(ADA);
  {
    await using lock = await seats.tryLock(1);
    assert.ok(lock);
    assert.equal(server.table.locks.size, 1);
  }
  assert.equal(server.table.locks.size, 0);
  {
    await using lock = await seats.tryLock(1);
    await lock?.unlock();
  }
  assert.equal(server.of(Opcode.Unlock).length, 2);
});

test('A lock that is over on the server is given back without an error', async () => {
  const { server, seats } = await setUpFake();
  await seats.append(ADA);
  const lock = await seats.tryLock(1);
  server.table.locks.clear();
  await lock?.unlock();
  await lock?.unlock();
  assert.equal(server.of(Opcode.Unlock).length, 1);
});

test('claim() tells rows by line, nothing available and all locked as values', async () => {
  const { server, seats, client } = await setUpFake();
  const bytes = rowBytes(ADA);
  answerNext(server, Opcode.Claim, (writer) => {
    encodeClaimAnswer(writer, 70, 1);
    encodeClaimedCount(writer, 1);
    encodeChangedRow(writer, 6, 2);
    encodeClaimedRowBytes(writer, bytes, 0, bytes.length);
  });
  const line = { where: [{ field: 'rank', eq: 3 } as const], set: { buyer: 'ada' } };
  const claimed = await seats.claim(line, { returnRows: true, operationId: OPERATION_ID });
  assert.deepEqual(claimed, { outcome: 'claimed', lsn: 70, operationId: OPERATION_ID, lines: [[{ rowId: 6, version: 2, row: ADA }]] });
  const request = decodeClaimRequest(last(server, Opcode.Claim), LAYOUTS);
  assert.deepEqual([request.returnRows, request.lines.map(({ count }) => count)], [true, [1]]);
  const lines = [
    { table: seats, ...line },
    { table: seats, ...line, count: 2 },
  ];
  refuseNext(server, 'NoneAvailable', { retryAfterMs: 0, line: 1 });
  assert.deepEqual(await client.claim(lines), { outcome: 'none_available', line: 1 });
  refuseNext(server, 'AllLocked', { retryAfterMs: 30, line: 0 });
  assert.deepEqual(await client.claim(lines), { outcome: 'all_locked', line: 0, retryAfterMs: 30 });
  const other = await setUpFake();
  await assert.rejects(other.client.claim(lines), { code: 'InvalidArgument' });
});

test('scan() reads page after page, and gives the cursor back when the caller has enough', async () => {
  const { server, seats } = await setUpFake();
  const pages = new Map([
    [0, { rowIds: [1, 2], next: 11 }],
    [11, { rowIds: [3], next: 12 }],
    [12, { rowIds: [4], next: 0 }],
  ]);
  server.handler = (request) => {
    const isNext = request.opcode === Opcode.ScanNext || request.opcode === Opcode.StreamNext;
    if (!isNext && request.opcode !== Opcode.Scan && request.opcode !== Opcode.Stream) return false;
    const page = pages.get(isNext ? decodeCursorRequest(readerOf(request)) : 0);
    assert.ok(page);
    request.session.answer(request, (writer) => {
      const start = beginPage(writer, 60);
      for (const rowId of page.rowIds) writeRow(writer, rowId);
      endPage(writer, start, page.next, page.rowIds.length);
    });
    return true;
  };
  const rowIds: number[] = [];
  for await (const { rowId, row } of seats.scan({ pageRows: 2 })) {
    assert.deepEqual(row, ADA);
    rowIds.push(rowId);
  }
  assert.deepEqual(rowIds, [1, 2, 3, 4]);
  assert.equal(decodeScanRequest(last(server, Opcode.Scan)).pageRows, 2);
  assert.equal(server.of(Opcode.StreamClose).length, 0);
  for await (const { rowId } of seats.stream([{ field: 'rank', eq: 3 }])) if (rowId === 3) break;
  assert.equal(decodeStreamRequest(last(server, Opcode.Stream), LAYOUTS).terms.length, 1);
  await seats.seek(1);
  assert.equal(decodeCursorRequest(last(server, Opcode.StreamClose)), 12);
});

test('A scan does not outlive its session', async () => {
  const { server, seats, time } = await setUpFake();
  answerNext(server, Opcode.Scan, (writer) => {
    const start = beginPage(writer, 60);
    writeRow(writer, 1);
    endPage(writer, start, 11, 1);
  });
  const rows = seats.scan();
  assert.equal((await rows.next()).value?.rowId, 1);
  server.session.cut(new Error('connection reset'));
  await new Promise((resolve) => setImmediate(resolve));
  time.advance(20);
  await assert.rejects(rows.next(), { code: 'ConnectionLost' });
  assert.equal(server.of(Opcode.ScanNext).length, 0);
});
