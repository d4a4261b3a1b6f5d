/** Bits of the log that flip while the database is open, after its opening has checked them. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { SeededRandom } from '@k-lani/base';
import { defineTable } from '@k-lani/protocol';
import { openDatabase } from './open-database.ts';
import { CrashingDisk } from '../io/crashing-io.fixture.ts';
import { RecordOffset } from '../log/record.ts';
import { segmentName } from '../log/segment.ts';

const SEGMENT_SIZE = 64 * 1024;
const DAMAGED = { code: 'ChecksumMismatch', message: /0000000001\.segment is damaged at offset \d+/ };

const seats = defineTable({ table: 'seats', fields: { seat_no: { type: 'uint32', index: 'unique' } } });
const rankedSeats = defineTable({
  table: 'seats',
  version: 2,
  fields: { seat_no: { type: 'uint32', index: 'unique' }, rank: { type: 'uint32', index: 'non_unique', default: 1 } },
});

async function place() {
  const disk = new CrashingDisk(new SeededRandom(1));
  const clock = disk.clock(() => 1_700_000_000_000);
  const database = await openDatabase('/data', { io: disk, clock, random: new SeededRandom(2), segmentSizeBytes: SEGMENT_SIZE });
  const table = await database.table(seats);
  /** Flips a bit of a field of the record at `lsn`; flipping it again mends it. */
  const flip = (lsn: number, offset: number): void => {
    const bytes = disk.bytesOf('/data', segmentName(1));
    const at = (lsn % SEGMENT_SIZE) + offset;
    bytes[at] = (bytes[at] ?? 0) ^ 1;
  };
  return { database, table, flip };
}

test('An operation whose record is damaged is not carried out again: whoever asks is told', async () => {
  const { database, table, flip } = await place();
  const operationId = 'ab'.repeat(16);
  const answer = await table.append({ seat_no: 1 }, { operationId });
  flip(answer.lsn, RecordOffset.operationId);
  await assert.rejects(table.append({ seat_no: 1 }, { operationId }), DAMAGED);
  await assert.rejects(database.operationStatus(operationId), DAMAGED);
  flip(answer.lsn, RecordOffset.operationId);
  assert.deepEqual(await table.append({ seat_no: 1 }, { operationId }), answer);
  assert.equal(table.count(), 1);
  await database.close();
});

test('A scan that needs an older version does not follow a damaged pointer to it', async () => {
  const { database, table, flip } = await place();
  const { rowId } = await table.append({ seat_no: 1 });
  await table.append({ seat_no: 2 });
  const first = await table.replace(2, { seat_no: 3 }, { ifVersion: 1 });
  const scan = table.scan({ pageRows: 1 });
  assert.equal(scan.next().value?.rowId, rowId);
  const second = await table.replace(2, { seat_no: 4 }, { ifVersion: 2 });
  flip(second.lsn, RecordOffset.lsn);
  assert.throws(() => scan.next(), DAMAGED);
  flip(second.lsn, RecordOffset.lsn);
  const again = table.scan({ pageRows: 1 });
  again.next();
  await table.replace(2, { seat_no: 5 }, { ifVersion: 3 });
  assert.equal(again.next().value?.lsn, second.lsn);
  assert.ok(first.lsn < second.lsn);
  await database.close();
});

test('A new index is not made of a damaged row', async () => {
  const { database, table, flip } = await place();
  const { lsn } = await table.append({ seat_no: 1 });
  flip(lsn, RecordOffset.body);
  await assert.rejects(database.alterTable(rankedSeats), DAMAGED);
  flip(lsn, RecordOffset.body);
  const altered = await database.alterTable(rankedSeats);
  assert.deepEqual(altered.queryIntersect([{ field: 'rank', eq: 1 }], { limit: 0 }), [1]);
  await database.close();
});
