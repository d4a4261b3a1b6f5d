import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { defineTable } from '@k-lani/protocol';
import { repairDatabase } from '../database/repair.ts';
import { FaultyIo } from '../io/faulty-io.fixture.ts';
import { NodeClock } from '../io/node-clock.ts';
import { NodeIo } from '../io/node-io.ts';
import { SEGMENT, temporaryDirectory } from '../log/log.fixture.ts';
import { MANIFEST_NAME, readManifest, writeManifestNow } from '../log/manifest.ts';
import { SEGMENT_HEADER_SIZE, segmentIndexOf, segmentName } from '../log/segment.ts';
import { verifyLog } from '../log/verify.ts';
import { verifyLogInThreads } from '../log/verify-threads.ts';
import type { EmbeddedDatabase } from './embedded-database.ts';
import { openDatabase, type OpenOptions } from './open-database.ts';

const seats = defineTable({
  table: 'seats',
  fields: { seat_no: { type: 'uint32', index: 'unique' }, ticket: { type: 'blob' } },
});

/** Four of them fill a segment. */
const ticket = new Uint8Array(15_000).fill(1);

const OPTIONS = { segmentSizeBytes: SEGMENT, operationWindow: 2, history: 'latest', checkpointBytes: 0 } as const;

/** Replaces row 1, or makes it. */
async function write(database: EmbeddedDatabase, count: number): Promise<void> {
  const table = await database.table(seats);
  for (let done = 0; done < count; done += 1) {
    const version = table.seek(1)?.version;
    if (version === undefined) await table.append({ seat_no: 1, ticket });
    else await table.replace(1, { seat_no: 1, ticket }, { ifVersion: version });
  }
}

function segmentsIn(path: string): string[] {
  return readdirSync(path).filter((name) => segmentIndexOf(name) !== undefined);
}

const DAY_MS = 86_400_000;

/** A clock whose wall time the test sets. */
class SetClock extends NodeClock {
  ms = 1_700_000_000_000;

  override wallMs(): number {
    return this.ms;
  }
}

/** A closed database that has given up segments and keeps some behind them, and where its manifest relies on the log. */
async function compacted(context: TestContext) {
  const path = temporaryDirectory(context);
  const clock = new SetClock();
  const open = (options: OpenOptions) => openDatabase(path, { ...OPTIONS, clock, io: new FaultyIo(), ...options });
  const writing = await open({ history: 'all' });
  const table = await writing.table(seats);
  await table.append({ seat_no: 1, ticket });
  await table.append({ seat_no: 2, ticket });
  await write(writing, 4);
  clock.ms += 100 * DAY_MS;
  await write(writing, 10);
  await writing.close();
  const database = await open({ history: { days: 30 } });
  const { firstSegment } = await database.compact();
  assert.ok(firstSegment > 1);
  await database.close();
  const manifest = readManifest(new NodeIo().openDirectory(path, { create: false }));
  assert.ok(manifest !== undefined && manifest.reliedEnd > (firstSegment + 2) * SEGMENT);
  return { path, firstSegment, reliedEnd: manifest.reliedEnd, clock, open };
}

test('A log that ends before what its manifest relies on is refused by opening and verify', async (context) => {
  const { path, firstSegment, reliedEnd } = await compacted(context);
  const last = Math.floor((reliedEnd - 1) / SEGMENT);
  for (const name of segmentsIn(path)) if ((segmentIndexOf(name) ?? 0) >= last) rmSync(join(path, name));
  assert.ok(segmentsIn(path).length > 0 && last > firstSegment);
  const refusal = {
    code: 'Damaged',
    message: new RegExp(
      `${segmentName(last)}: damaged at offset 0: the log ends at position \\d+, and manifest proves that it went on to ${reliedEnd}$`,
    ),
  };
  assert.throws(() => verifyLog(path), refusal);
  await assert.rejects(verifyLogInThreads(path), refusal);
  await assert.rejects(openDatabase(path, OPTIONS), refusal);
});

test('A manifest of another database is refused by opening and verify', async (context) => {
  const { path } = await compacted(context);
  const directory = new NodeIo().openDirectory(path, { create: false });
  const manifest = readManifest(directory);
  assert.ok(manifest !== undefined);
  writeManifestNow(directory, { ...manifest, databaseId: new Uint8Array(16) });
  const refusal = { code: 'Damaged', message: /manifest: damaged at offset 16: it belongs to another database/ };
  assert.throws(() => verifyLog(path), refusal);
  await assert.rejects(verifyLogInThreads(path), refusal);
  await assert.rejects(openDatabase(path, OPTIONS), refusal);
});

test('An archive that begins late verifies, and does not open, before it has what its manifest relies on', async (context) => {
  const { firstSegment, clock, open } = await compacted(context);
  const archive = temporaryDirectory(context);
  clock.ms += 100 * DAY_MS;
  const writing = await open({ history: 'all' });
  await write(writing, 4);
  await writing.close();
  const database = await open({ history: { days: 30 }, archive });
  await database.compact();
  assert.ok(database.stats().compaction.firstSegment > firstSegment);
  await database.close();
  assert.ok(readdirSync(archive).includes(MANIFEST_NAME));
  for (const name of segmentsIn(archive).slice(1)) rmSync(join(archive, name));
  assert.equal(verifyLog(archive).firstSegment, firstSegment);
  assert.equal((await verifyLogInThreads(archive)).firstSegment, firstSegment);
  await assert.rejects(openDatabase(archive, OPTIONS), { code: 'Damaged', message: /the log ends at position \d+, and manifest proves/ });
});

/** What repair lists, in another directory. */
function repaired(path: string, context: TestContext) {
  const report = repairDatabase(path, temporaryDirectory(context));
  verifyLog(report.to);
  const [table] = report.tables;
  return { ...report, table, places: report.damage.map(({ file, offset, length, what }) => [file, offset, length, what]) };
}

test('Repair lists what the manifest relies on and is gone, but not in an archive', async (context) => {
  const { path, reliedEnd } = await compacted(context);
  const last = Math.floor((reliedEnd - 1) / SEGMENT);
  const file = join(path, segmentName(last));
  for (const name of segmentsIn(path)) if ((segmentIndexOf(name) ?? 0) > last) rmSync(join(path, name));
  assert.equal(repaired(path, context).damageCount, 0);
  writeFileSync(file, readFileSync(file).fill(0, SEGMENT_HEADER_SIZE));
  const lostBytes = SEGMENT - SEGMENT_HEADER_SIZE;
  const zeros = repaired(path, context);
  assert.deepEqual(zeros.places, [[segmentName(last), SEGMENT_HEADER_SIZE, lostBytes, 'batches that were here are zeros']]);
  assert.deepEqual([zeros.lostBytes, zeros.unknownBytes], [lostBytes, lostBytes]);
  rmSync(file);
  const missing = 'the segment is missing: manifest proves that it had begun';
  assert.deepEqual(repaired(path, context).places, [[segmentName(last), 0, SEGMENT, missing]]);
  const directory = new NodeIo().openDirectory(path, { create: false });
  const manifest = readManifest(directory);
  assert.ok(manifest !== undefined);
  writeManifestNow(directory, { ...manifest, isArchive: true });
  assert.deepEqual(repaired(path, context).places, []);
});

test('Repair says that it cannot know whether segments were given up where the manifest is not whole', async (context) => {
  const { path, firstSegment } = await compacted(context);
  const before = repaired(path, context);
  assert.deepEqual([before.untoldSegments, before.table?.liveRows, before.table?.rowIdMax], [0, 2, 2]);
  const file = join(path, MANIFEST_NAME);
  writeFileSync(file, readFileSync(file).fill(0, 0, 4));
  const { places, untoldSegments, lostBytes, table } = repaired(path, context);
  const what = `the manifest is not whole: whether segments 1 to ${firstSegment - 1} were given up or are lost cannot be known`;
  assert.deepEqual(places, [[MANIFEST_NAME, 0, 0, what]]);
  assert.deepEqual([untoldSegments, lostBytes, table?.liveRows, table?.rowIdMax], [firstSegment - 1, 0, 2, 2]);
});
