import assert from 'node:assert/strict';
import test from 'node:test';
import { SeededRandom } from '@k-lani/base';
import { KLaniError, defineTable } from '@k-lani/protocol';
import { openDatabase } from './open-database.ts';
import { CrashingDisk } from '../io/crashing-io.fixture.ts';
import { RECORD_HEADER_SIZE, RecordKind, RecordOffset } from '../log/record.ts';
import { recover } from '../log/recovery.ts';
import { SEGMENT_HEADER_SIZE, segmentIndexOf, segmentName } from '../log/segment.ts';
import { CompactionRun, SEGMENT_SIZE, type RunOptions } from './compaction-run.fixture.ts';
import { repairDatabase, type RepairReport } from '../database/repair.ts';

const STEPS = 250;
const DAMAGES = 12;

/** What a random run left in a directory that was closed in good order. */
async function runOf(seed: number, history: RunOptions['history']): Promise<CompactionRun> {
  const run = new CompactionRun(seed, new CrashingDisk(new SeededRandom(seed)), {
    history,
    archive: undefined,
    operationWindow: 20,
    checkpointBytes: 0,
  });
  await run.open();
  for (let step = 0; step < STEPS; step += 1) {
    await run.step();
    if (step === STEPS / 2) await run.alter();
    if (step % 60 === 59) await run.database.compact();
  }
  await run.database.close();
  return run;
}

function repaired(disk: CrashingDisk): RepairReport {
  const before = new Map([...(disk.folders.get('/data')?.names ?? [])].map(([name, { bytes }]) => [name, bytes.slice()]));
  disk.folders.delete('/new');
  const report = repairDatabase('/data', '/new', { io: disk, clock: disk.clock(() => 0), random: new SeededRandom(9) });
  const after = new Map([...(disk.folders.get('/data')?.names ?? [])].map(([name, { bytes }]) => [name, bytes]));
  assert.deepEqual(after, before, 'The damaged directory is as it was');
  const directory = disk.openDirectory('/new', { create: false });
  const { databaseId } = recover(directory);
  directory.close();
  assert.equal(Buffer.from(databaseId ?? []).toString('hex'), report.databaseId);
  return report;
}

/** A version of a row as it stands in an undamaged log; one that was moved may stand there twice. */
interface Copy {
  readonly file: string;
  readonly offset: number;
  readonly end: number;
  readonly rowId: number;
  readonly version: number;
  /** That it is encoded in. */
  readonly schemaVersion: number;
  readonly isSchema: boolean;
}

function copiesIn(disk: CrashingDisk): Copy[] {
  const copies: Copy[] = [];
  const directory = disk.openDirectory('/data', { create: false });
  recover(directory, {
    visit: ({ source: { view }, path, start, end }) => {
      for (let at = start; at < end; at += view.getUint32(at, true)) {
        const kind = view.getUint8(at + RecordOffset.kind);
        if (kind > RecordKind.schema) continue;
        copies.push({
          file: path.slice(path.lastIndexOf('/') + 1),
          offset: at,
          end: at + view.getUint32(at, true),
          rowId: view.getUint32(at + RecordOffset.rowId, true),
          version: view.getUint32(at + RecordOffset.version, true),
          schemaVersion: view.getUint32(at + RecordOffset.schemaVersion, true),
          isSchema: kind === RecordKind.schema,
        });
      }
    },
  });
  directory.close();
  return copies;
}

/** The latest version of each row of which a copy lies outside of the damage that a report lists. */
function intactVersions(copies: readonly Copy[], { damage }: RepairReport): Map<number, number> {
  const intact = new Map<number, number>();
  const left = copies.filter(
    ({ file, offset, end }) => !damage.some((one) => one.file === file && one.offset < end && offset < one.offset + one.length),
  );
  const schemas = new Set(left.flatMap(({ isSchema, version }) => (isSchema ? version : [])));
  for (const { isSchema, rowId, version, schemaVersion } of left) {
    if (!isSchema && schemas.has(schemaVersion)) intact.set(rowId, Math.max(version, intact.get(rowId) ?? 0));
  }
  return intact;
}

/** Opens what was repaired and compares it with the model, but for what lies in the bytes that the report lists. */
async function compare(run: CompactionRun, copies: readonly Copy[], report: RepairReport): Promise<void> {
  const database = await openDatabase('/new', { io: run.disk, clock: run.disk.clock(() => run.wallMs), random: new SeededRandom(3) });
  try {
    const intact = intactVersions(copies, report);
    if (report.tables.length === 0) {
      assert.equal(intact.size, 0, 'A table is lost only with all of its schemas');
      return;
    }
    const table = await database.openTable('rooms');
    const conflicting = new Set(report.conflicts.map(({ rowId }) => rowId));
    for (const [rowId, versions] of run.versions) {
      const found = table.seek(rowId);
      const kept = intact.get(rowId) ?? 0;
      const expected = conflicting.has(rowId) ? undefined : (versions[kept - 1]?.row ?? undefined);
      assert.equal(found?.version, expected === undefined ? undefined : kept, `row ${rowId}`);
      if (expected !== undefined) assert.deepEqual({ stars: 3, ...(found?.row as object) }, { stars: 3, ...(expected as object) });
    }
    const live = [...table.scan()].map(({ rowId }) => rowId);
    assert.equal(table.count(), live.length);
    if (live.length > 0) assert.ok(report.tables[0]?.liveRows === live.length);
    for (let hotel = 0; hotel < 4; hotel += 1) {
      const byIndex = table.queryIntersect([{ field: 'hotel', eq: hotel }], { limit: 0 });
      assert.deepEqual(
        byIndex.toSorted((a, b) => a - b),
        live.filter((rowId) => table.seek(rowId)?.row['hotel'] === hotel),
      );
    }
    const codes = live.map((rowId) => table.seek(rowId)?.row['code']);
    assert.equal(new Set(codes).size, codes.length, 'A unique value is had once');
    const stars = table.schema.version === 2 ? { stars: 1 } : {};
    const { rowId } = await table.append({ code: 2 ** 31, hotel: 1, guest: null, price: 1, photo: new Uint8Array(0), ...stars });
    assert.ok(rowId > Math.max(...run.versions.keys()), 'No row id is given again');
  } finally {
    await database.close();
  }
}

/** Changes a directory, hands it over, and puts it right again. */
async function whileDamaged(run: CompactionRun, damage: () => void, use: () => Promise<void>): Promise<void> {
  const folder = run.disk.folders.get('/data');
  assert.ok(folder);
  const before = [...folder.names].map(([name, inode]) => [name, inode, inode.bytes.slice()] as const);
  damage();
  await use();
  folder.names.clear();
  for (const [name, inode, bytes] of before) {
    inode.bytes = bytes;
    folder.names.set(name, inode);
  }
}

for (const seed of [1, 2, 3]) {
  const history = seed === 1 ? 'all' : 'latest';

  test(`Repair of a whole directory loses nothing (seed ${seed})`, async () => {
    const run = await runOf(seed, history);
    const report = repaired(run.disk);
    assert.deepEqual([report.damageCount, report.lostBytes, report.lostLatestCount, report.conflictCount], [0, 0, 0, 0]);
    await compare(run, copiesIn(run.disk), report);
  });

  test(`Repair takes every record but the one that a flipped bit is in, and lists that (seed ${seed})`, async () => {
    const run = await runOf(seed, history);
    const { random, disk } = run;
    const copies = copiesIn(disk);
    const rows = copies.filter(({ isSchema }) => !isSchema);
    for (let count = 0; count < DAMAGES; count += 1) {
      const { file, offset, end, rowId, version } = rows[random.below(rows.length)] as Copy;
      const at = offset + random.below(end - offset);
      const flip = (): void => {
        const bytes = disk.bytesOf('/data', file);
        bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
      };
      await whileDamaged(run, flip, async () => {
        const report = repaired(disk);
        assert.deepEqual(
          report.damage.map((one) => [one.file, one.offset, one.offset + one.length]),
          [[file, offset, end]],
        );
        await compare(run, copies, report);
        const isLatestLost = version > (intactVersions(copies, report).get(rowId) ?? 0);
        const isHeader = at < offset + RECORD_HEADER_SIZE;
        if (isLatestLost && !isHeader)
          assert.deepEqual(
            report.lostLatest.map((one) => [one.rowId, one.lost]),
            [[rowId, version]],
          );
        if (!isLatestLost && !isHeader) assert.equal(report.lostLatestCount, 0);
      });
    }
  });

  test(`Repair brings back what lies outside of the bytes that it lists, whatever the damage (seed ${seed})`, async () => {
    const run = await runOf(seed, history);
    const { random, disk } = run;
    const copies = copiesIn(disk);
    const names = [...(disk.folders.get('/data')?.names.keys() ?? [])].filter((name) => segmentIndexOf(name) !== undefined);
    for (let count = 0; count < DAMAGES; count += 1) {
      let damaged = '';
      const damage = (): void => {
        damaged = damageSomething(disk, names, random);
      };
      await whileDamaged(run, damage, async () => {
        const report = repairedUnlessNothingIsLeft(disk);
        if (report === undefined) {
          assert.ok(copies.every(({ file }) => file === damaged));
          return;
        }
        assert.ok(report.damageCount > 0);
        await compare(run, copies, report);
      });
    }
  });
}

function repairedUnlessNothingIsLeft(disk: CrashingDisk): RepairReport | undefined {
  try {
    return repaired(disk);
  } catch (error) {
    if (error instanceof KLaniError && error.code === 'NotFound') return undefined;
    throw error;
  }
}

/** Flips bits, overwrites sectors, cuts off, empties or removes a file; returns its name. */
function damageSomething(disk: CrashingDisk, names: readonly string[], random: SeededRandom): string {
  const written = names.filter((name) => disk.bytesOf('/data', name).some((byte) => byte !== 0));
  const any = (): { name: string; bytes: Uint8Array; usedEnd: number } => {
    const name = written[random.below(written.length)] ?? '';
    const bytes = disk.bytesOf('/data', name);
    return { name, bytes, usedEnd: bytes.findLastIndex((byte) => byte !== 0) + 1 };
  };
  const { name, bytes, usedEnd } = any();
  const flip = (at: number): void => {
    bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
  };
  const isFollowed = name !== written.at(-1);
  switch (random.below(isFollowed ? 6 : 5)) {
    case 0:
      for (let flips = 2 + random.below(8); flips > 0; flips -= 1) flip(random.below(usedEnd));
      break;
    case 1: {
      const at = random.below(usedEnd) & ~511;
      for (let offset = at; offset < at + 512 * (1 + random.below(4)) && offset < usedEnd; offset += 1) bytes[offset] = random.below(256);
      break;
    }
    case 2:
      flip(random.below(SEGMENT_HEADER_SIZE));
      break;
    case 3:
      disk.folders.get('/data')?.names.delete(name);
      break;
    case 5:
      bytes.fill(0);
      break;
    default: {
      const inode = disk.folders.get('/data')?.names.get(name);
      if (inode !== undefined) inode.bytes = bytes.slice(0, random.below(usedEnd));
    }
  }
  return name;
}

test('Repair says which segment is missing', async () => {
  const run = await runOf(4, 'all');
  run.disk.folders.get('/data')?.names.delete('0000000002.segment');
  const report = repaired(run.disk);
  assert.deepEqual(
    report.damage.map(({ file, length, what }) => ({ file, length, what })),
    [{ file: '0000000002.segment', length: SEGMENT_SIZE, what: 'the segment is missing' }],
  );
});

test('Repair says that it cannot tell which rows a segment of zeros held, and gives none of their ids again', async () => {
  const disk = new CrashingDisk(new SeededRandom(7));
  const options = { io: disk, clock: disk.clock(() => 0), random: new SeededRandom(1) };
  const seats = defineTable({ table: 'seats', fields: { code: { type: 'uint32', index: 'unique' }, note: { type: 'blob' } } });
  const database = await openDatabase('/data', { ...options, segmentSizeBytes: SEGMENT_SIZE });
  const table = await database.table(seats);
  const segment = (): number => Math.floor(database.stats().appended / SEGMENT_SIZE);
  const note = new Uint8Array(0);
  for (let code = 1; segment() < 2; code += 1) await table.append({ code, note });
  await table.replace(1, { code: 1, note: new Uint8Array(1) }, { ifVersion: 1 });
  await table.delete(2, { ifVersion: 1 });
  let rowIdMax = 0;
  for (let code = SEGMENT_SIZE; segment() < 3; code += 1) ({ rowId: rowIdMax } = await table.append({ code, note }));
  for (let version = 1; segment() < 4; version += 1) await table.replace(3, { code: 3, note }, { ifVersion: version });
  await database.close();
  disk.bytesOf('/data', segmentName(2)).fill(0);
  const report = repairDatabase('/data', '/new', options);
  assert.deepEqual(
    report.damage.map(({ file, what }) => [file, what]),
    [[segmentName(2), 'the segment is empty']],
  );
  assert.deepEqual([report.unknownBytes, report.lostLatestCount], [report.lostBytes, 0]);
  const again = await openDatabase('/new', options);
  const { rowId } = await (await again.table(seats)).append({ code: 2 ** 31, note });
  assert.ok(rowId > rowIdMax, `${rowId} was given before: the highest was ${rowIdMax}`);
  await again.close();
});

test('Repair refuses a directory that is not empty, and one with nothing in it', async () => {
  const run = await runOf(5, 'all');
  const options = { io: run.disk, clock: run.disk.clock(() => 0), random: new SeededRandom(1) };
  run.disk.openDirectory('/new', { create: true }).createFile('something').close();
  assert.throws(() => repairDatabase('/data', '/new', options), {
    code: 'InvalidArgument',
    message: /1 files are in it, must be an empty directory/,
  });
  run.disk.openDirectory('/empty', { create: true });
  assert.throws(
    () => repairDatabase('/empty', '/other', options),
    (error) => error instanceof KLaniError && error.code === 'NotFound',
  );
});

test('Repair leaves a row out whose latest intact version has the unique value of a row written later, and says so', async () => {
  const disk = new CrashingDisk(new SeededRandom(6));
  const clock = disk.clock(() => 0);
  const options = { io: disk, clock, random: new SeededRandom(1) };
  const seats = defineTable({ table: 'seats', fields: { code: { type: 'uint32', index: 'unique' }, note: { type: 'blob' } } });
  const database = await openDatabase('/data', { ...options, segmentSizeBytes: SEGMENT_SIZE });
  const table = await database.table(seats);
  await table.append({ code: 5, note: new Uint8Array(0) });
  const { lsn } = await table.replace(1, { code: 6, note: new Uint8Array(200) }, { ifVersion: 1 });
  await table.append({ code: 5, note: new Uint8Array(1) });
  await database.close();
  const bytes = disk.bytesOf('/data', segmentName(1));
  const at = (lsn % SEGMENT_SIZE) + RECORD_HEADER_SIZE + 100;
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  const report = repairDatabase('/data', '/new', options);
  assert.deepEqual(report.lostLatest, [{ table: 'seats', rowId: 1, lost: 2, kept: 0 }]);
  assert.deepEqual(report.conflicts, [{ table: 'seats', rowId: 1, keptRowId: 2 }]);
  const again = await openDatabase('/new', options);
  const rows = [...(await again.table(seats)).scan()].map(({ rowId, row }) => [rowId, row.code]);
  assert.deepEqual(rows, [[2, 5]]);
  await again.close();
});
