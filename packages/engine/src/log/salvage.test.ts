import assert from 'node:assert/strict';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { NodeIo } from '../io/node-io.ts';
import { BATCH_HEADER_SIZE, BATCH_MAGIC } from './batch.ts';
import { SEGMENT, appendRecord, openLog, temporaryDirectory } from './log.fixture.ts';
import { recordSize } from './record.ts';
import { salvage } from './salvage.ts';
import { decodeSegmentHeader, segmentName } from './segment.ts';
import { survey, type Damage } from './survey.ts';

const BODY_SIZE = 3000;
/** With its header and the name of its actor. */
const RECORD_SIZE = recordSize(BODY_SIZE, 'box-office'.length);
const EMPTY = 'the segment is empty';

/** A log in four segments or more, closed in good order, and offsets behind the last batches of its segments. */
async function written(context: TestContext): Promise<{ path: string; endOf: (index: number) => number }> {
  const path = temporaryDirectory(context);
  const directory = new NodeIo().openDirectory(path, { create: false });
  const log = await openLog(directory);
  // Bodies that end with zeros, as an empty field does.
  while ((await appendRecord(log, new Uint8Array(BODY_SIZE).fill(1, 0, 20))) < 4 * SEGMENT);
  log.close();
  directory.close();
  const endOf = (index: number): number =>
    (decodeSegmentHeader(readFileSync(join(path, segmentName(index + 1))), path)?.previousEnd ?? 0) - index * SEGMENT;
  return { path, endOf };
}

function salvaged(path: string): { damage: readonly Damage[]; records: number } {
  const directory = new NodeIo().openDirectory(path, { create: false });
  const surveyed = survey(directory);
  let records = 0;
  const { damage } = salvage(directory, surveyed, { visit: () => (records += 1) });
  directory.close();
  return { damage: [...surveyed.damage, ...damage], records };
}

const placesOf = (damage: readonly Damage[]): unknown[] =>
  damage.map(({ file, offset, length, what, unknownBytes }) => [file, offset, length, what, unknownBytes]);

test('salvage() loses of a segment of zeros what the segment behind it proves, and nothing else (4)', async (context) => {
  for (const index of [1, 2]) {
    const { path, endOf } = await written(context);
    const length = endOf(index);
    writeFileSync(join(path, segmentName(index)), new Uint8Array(SEGMENT));
    assert.deepEqual(placesOf(salvaged(path).damage), [[segmentName(index), 0, length, EMPTY, length]]);
  }
});

test('salvage() loses all of a file that is cut off, whether anything is proven of it or not (4)', async (context) => {
  const { path } = await written(context);
  const cut: unknown[] = [];
  for (const index of [4, 2]) {
    truncateSync(join(path, segmentName(index)), 0);
    cut.unshift([segmentName(index), 0, SEGMENT, 'the file is cut off', SEGMENT]);
    assert.deepEqual(placesOf(salvaged(path).damage), cut);
  }
});

test('salvage() loses two segments of zeros one behind the other (4)', async (context) => {
  const { path, endOf } = await written(context);
  const length = endOf(3);
  for (const index of [2, 3]) writeFileSync(join(path, segmentName(index)), new Uint8Array(SEGMENT));
  assert.deepEqual(placesOf(salvaged(path).damage), [
    [segmentName(2), 0, SEGMENT, EMPTY, SEGMENT],
    [segmentName(3), 0, length, EMPTY, length],
  ]);
});

test('salvage() takes the records behind a damaged batch header, also where the segment behind it is lost (4)', async (context) => {
  const { path, endOf } = await written(context);
  const [file, end] = [join(path, segmentName(1)), endOf(1)];
  writeFileSync(join(path, segmentName(2)), new Uint8Array(SEGMENT));
  const before = salvaged(path);
  const bytes = readFileSync(file);
  const offset = end - BATCH_HEADER_SIZE - RECORD_SIZE;
  assert.equal(bytes.readUInt32LE(offset), BATCH_MAGIC);
  bytes[offset + 40] = (bytes[offset + 40] ?? 0) ^ 1;
  writeFileSync(file, bytes);
  const after = salvaged(path);
  const header = [segmentName(1), offset, BATCH_HEADER_SIZE, 'a batch header is not whole', 0];
  assert.deepEqual([after.records, placesOf(after.damage)], [before.records, [header, ...placesOf(before.damage)]]);
  bytes[offset + BATCH_HEADER_SIZE] = (bytes[offset + BATCH_HEADER_SIZE] ?? 0) ^ 1;
  writeFileSync(file, bytes);
  const worse = salvaged(path);
  assert.equal(worse.records, before.records - 1);
  const [, [, start, length, , unknown] = []] = placesOf(worse.damage) as [string, number, number, string, number][];
  assert.equal(start, offset + BATCH_HEADER_SIZE);
  assert.ok(length !== undefined && length <= RECORD_SIZE && unknown === length, 'Zeros behind the batches are not lost');
});
