import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { defineTable } from '@k-lani/protocol';
import { repairDatabase, type RepairReport } from '../database/repair.ts';
import { BATCH_HEADER_SIZE, BATCH_LENGTH_OFFSET } from '../log/batch.ts';
import { MANIFEST_NAME } from '../log/manifest.ts';
import { RECORD_HEADER_SIZE } from '../log/record.ts';
import { SEGMENT_HEADER_SIZE, decodeSegmentHeader, segmentIndexOf, segmentName } from '../log/segment.ts';
import { verifyLog } from '../log/verify.ts';
import { SEGMENT, SMALL, checkpointsIn, copyOf, newPath } from './checkpoint-run.fixture.ts';
import type { EmbeddedDatabase } from './embedded-database.ts';
import { openDatabase } from './open-database.ts';

const fields = { seat_no: { type: 'uint32', index: 'unique' }, ticket: { type: 'blob' } } as const;
const seats = defineTable({ table: 'seats', fields });
const reserved = defineTable({ table: 'seats', version: 2, fields: { ...fields, row: { type: 'uint8', default: 1 } } });

/** Four of them fill a segment. */
const ticket = new Uint8Array(15_000).fill(1);
const ROWS = 17;
const FIRST_BATCH = SEGMENT_HEADER_SIZE;
const FIRST_RECORD = FIRST_BATCH + BATCH_HEADER_SIZE;
const ZEROS = 'batches that were here are zeros';

/** A closed database with `ROWS` rows, and a checkpoint before its newest segment. */
async function withCheckpoint(context: TestContext): Promise<{ path: string; newest: number; proof: string }> {
  const path = newPath(context);
  const database = await openDatabase(path, { ...SMALL, checkpointBytes: 1 });
  const table = await database.table(seats);
  for (let seat = 1; seat <= ROWS; seat += 1) await table.append({ seat_no: seat, ticket });
  while (database.stats().checkpoint.isBuilding) await new Promise((resolve) => setImmediate(resolve));
  await database.close();
  const [proof = ''] = checkpointsIn(path);
  const newest = Number.parseInt(proof, 10);
  assert.equal(verifyLog(path).segments, newest);
  return { path, newest, proof };
}

function change(path: string, name: string, to: (bytes: Buffer) => Buffer): void {
  writeFileSync(join(path, name), to(readFileSync(join(path, name))));
}

function removeFrom(path: string, first: number): void {
  for (const name of readdirSync(path)) if ((segmentIndexOf(name) ?? 0) >= first) rmSync(join(path, name));
}

function repaired(path: string, context: TestContext): RepairReport & { places: unknown[] } {
  const report = repairDatabase(path, newPath(context));
  verifyLog(report.to);
  return { ...report, places: report.damage.map(({ file, offset, length, what }) => [file, offset, length, what]) };
}

async function reopened({ to }: RepairReport, use: (database: EmbeddedDatabase) => Promise<void>): Promise<void> {
  const database = await openDatabase(to, { ...SMALL, checkpointBytes: 0 });
  await use(database);
  await database.close();
}

test('Repair lists what a checkpoint proves and is gone, and gives no position and no row id of it again', async (context) => {
  const { path, newest, proof } = await withCheckpoint(context);
  const name = segmentName(newest);
  assert.equal(repaired(path, context).damageCount, 0);
  const cases: [(copy: string) => void, number, string][] = [
    [(copy) => removeFrom(copy, newest), 0, `the segment is missing: ${proof} proves that it had begun`],
    [(copy) => change(copy, name, (bytes) => bytes.fill(0)), 0, 'the segment is empty'],
    [(copy) => change(copy, name, (bytes) => bytes.fill(0, FIRST_BATCH)), FIRST_BATCH, ZEROS],
  ];
  for (const [damage, offset, what] of cases) {
    const copy = copyOf(path, context);
    damage(copy);
    const report = repaired(copy, context);
    assert.deepEqual(report.places, [[name, offset, SEGMENT - offset, what]]);
    assert.deepEqual([report.unknownBytes, report.untoldSegments], [SEGMENT - offset, 0]);
    assert.ok(verifyLog(report.to).firstSegment > newest, 'No position is given again');
    await reopened(report, async (database) => {
      const table = await database.table(seats);
      assert.ok((await table.append({ seat_no: 99, ticket })).rowId > ROWS, 'No row id is given again');
    });
  }
});

test('Repair takes what is intact of the first batch that a checkpoint proves, although nothing stands behind it', async (context) => {
  const { path, newest } = await withCheckpoint(context);
  const name = segmentName(newest);
  const whole = readFileSync(join(path, name));
  const end = FIRST_BATCH + whole.readUInt32LE(FIRST_BATCH + BATCH_LENGTH_OFFSET);
  change(path, name, (bytes) => bytes.fill(0, end).fill(9, FIRST_BATCH + 40, FIRST_BATCH + 41));
  const { places, lostBytes, unknownBytes, tables } = repaired(path, context);
  assert.deepEqual(places, [[name, FIRST_BATCH, BATCH_HEADER_SIZE, 'a batch header is not whole']]);
  assert.deepEqual([lostBytes, unknownBytes, tables[0]?.liveRows], [BATCH_HEADER_SIZE, 0, ROWS]);
  change(path, name, () =>
    Buffer.from(whole)
      .fill(0, end)
      .fill(9, FIRST_RECORD + RECORD_HEADER_SIZE + 500, end - 5000),
  );
  const flipped = repaired(path, context);
  assert.deepEqual(flipped.places, [[name, FIRST_RECORD, end - FIRST_RECORD, 'a record does not match its checksum']]);
  assert.deepEqual(flipped.lostLatest, [{ table: 'seats', rowId: ROWS, lost: 1, kept: 0 }]);
});

test('Repair knows from a checkpoint where the segment before it ended, whose end is gone like all behind it', async (context) => {
  const { path, newest, proof } = await withCheckpoint(context);
  const end = decodeSegmentHeader(readFileSync(join(path, segmentName(newest))), path)?.previousEnd ?? 0;
  removeFrom(path, newest);
  change(path, segmentName(newest - 1), (bytes) => bytes.fill(0, FIRST_BATCH));
  const lostBytes = end - (newest - 1) * SEGMENT - FIRST_BATCH;
  assert.ok(lostBytes > 0);
  assert.deepEqual(repaired(path, context).places, [
    [segmentName(newest), 0, SEGMENT, `the segment is missing: ${proof} proves that it had begun`],
    [segmentName(newest - 1), FIRST_BATCH, lostBytes, ZEROS],
  ]);
});

test('Repair gives no row id again that segments before may have held, where nothing tells the highest', async (context) => {
  const path = newPath(context);
  const database = await openDatabase(path, { ...SMALL, checkpointBytes: 0 });
  const table = await database.table(seats);
  for (let seat = 1; seat <= 6; seat += 1) await table.append({ seat_no: seat, ticket });
  const { rowId } = await (await database.alterTable(reserved)).append({ seat_no: 7, ticket, row: 2 });
  await database.close();
  const whole = copyOf(path, context);
  rmSync(join(path, segmentName(1)));
  for (const directory of [path, whole]) writeFileSync(join(directory, MANIFEST_NAME), 'not a manifest');
  const { tables, untoldSegments } = repaired(path, context);
  assert.deepEqual([untoldSegments, tables[0]?.rowIdMax], [1, rowId + Math.floor(SEGMENT / RECORD_HEADER_SIZE)]);
  const report = repaired(whole, context);
  assert.deepEqual(report.places, [[MANIFEST_NAME, 0, 0, 'the manifest is not whole']]);
  assert.deepEqual([report.untoldSegments, report.tables[0]?.rowIdMax, report.tables[0]?.liveRows], [0, rowId, 7]);
});
