import assert from 'node:assert/strict';
import test from 'node:test';
import { SeededRandom } from '@k-lani/base';
import { KLaniError, defineTable } from '@k-lani/protocol';
import { openDatabase, type OpenOptions } from './open-database.ts';
import { CrashingDisk } from '../io/crashing-io.fixture.ts';
import { MANIFEST_NAME } from '../log/manifest.ts';
import { recover } from '../log/recovery.ts';
import { segmentName } from '../log/segment.ts';

const SEGMENT_SIZE = 64 * 1024;
const DAY_MS = 86_400_000;

/** How many outcomes of a power cut are tried at each step. */
const POWER_CUTS = 16;

const seats = defineTable({
  table: 'seats',
  fields: { seat_no: { type: 'uint32', index: 'unique' }, ticket: { type: 'blob' } },
});

/** Four of them fill a segment. */
const ticket = new Uint8Array(15_000).fill(1);

/** A database on a disk in memory whose wall clock the test sets. */
function place(seed = 1, disk = new CrashingDisk(new SeededRandom(seed)), time = { wallMs: 1_700_000_000_000 }) {
  const open = async (options: OpenOptions = {}) => {
    const database = await openDatabase('/data', {
      io: disk,
      clock: disk.clock(() => time.wallMs),
      random: new SeededRandom(2),
      segmentSizeBytes: SEGMENT_SIZE,
      operationWindow: 2,
      history: 'latest',
      ...options,
    });
    return { database, table: await database.table(seats) };
  };
  return { disk, time, open };
}

type Table = Awaited<ReturnType<ReturnType<typeof place>['open']>>['table'];

/** Replaces a row again and again, so that segments fill up. */
async function overwrite(table: Table, rowId: number, count: number): Promise<void> {
  for (let done = 0; done < count; done += 1) {
    const { version = 0, row } = table.seek(rowId) ?? {};
    await table.replace(rowId, { seat_no: row?.seat_no ?? 0, ticket }, { ifVersion: version });
  }
}

function codeOf(run: () => unknown): string {
  try {
    run();
    return 'none';
  } catch (error) {
    assert.ok(error instanceof KLaniError);
    return error.code;
  }
}

test('History reads down to the oldest version within the log, and is Truncated below it', async () => {
  const { open } = place();
  const { database: whole, table: wholeTable } = await open({ history: 'all' });
  const { rowId } = await wholeTable.append({ seat_no: 1, ticket });
  await overwrite(wholeTable, rowId, 19);
  const lsns = wholeTable.history(rowId).map(({ lsn }) => lsn);
  assert.equal(lsns.length, 20);
  assert.equal((await whole.compact()).firstSegment, 1);
  await whole.close();
  const { database, table } = await open();
  const { firstSegment, reclaimedBytes } = await database.compact();
  assert.ok(firstSegment > 1);
  assert.equal(reclaimedBytes, (firstSegment - 1) * SEGMENT_SIZE);
  const kept = lsns.filter((lsn) => lsn >= firstSegment * SEGMENT_SIZE);
  assert.deepEqual(
    table.history(rowId, { limit: kept.length }).map(({ lsn }) => lsn),
    kept,
  );
  const oldest = 21 - kept.length;
  assert.throws(() => table.history(rowId), {
    code: 'Truncated',
    message: `Cannot read the history of row ${rowId} of table "seats": versions before ${oldest} are no longer kept; ask for fewer`,
  });
  assert.equal(
    codeOf(() => table.history(rowId, { beforeVersion: oldest, limit: 1 })),
    'Truncated',
  );
  assert.deepEqual(table.history(rowId, { beforeVersion: 1 }), []);
  await database.close();
});

test('A moved row keeps its version, lsn, time and author, and a claim, a lock and a unique value see it as it was', async () => {
  const { open, time } = place();
  const { database, table } = await open({ actor: 'box-office' });
  const first = await table.append({ seat_no: 1, ticket });
  const before = table.history(first.rowId);
  time.wallMs += DAY_MS;
  const other = await table.append({ seat_no: 2, ticket });
  await overwrite(table, other.rowId, 12);
  const lock = await table.tryLock(first.rowId);
  const { firstSegment } = await database.compact();
  assert.ok(firstSegment > 1 && first.lsn < firstSegment * SEGMENT_SIZE, 'The row was moved');
  assert.deepEqual(table.history(first.rowId), before);
  assert.equal(await table.tryLock(first.rowId), undefined);
  await assert.rejects(table.append({ seat_no: 1, ticket }), { code: 'DuplicateKey' });
  assert.equal((await lock?.replaceAndUnlock({ seat_no: 3, ticket }))?.version, 2);
  assert.deepEqual(
    table.history(first.rowId).map(({ version }) => version),
    [2, 1],
  );
  await database.close();
});

test('Row ids are never given again, also when the rows were deleted and given up', async () => {
  const { disk, open } = place();
  const { database, table } = await open();
  const { rowId: kept } = await table.append({ seat_no: 0, ticket });
  for (let seat = 1; seat <= 20; seat += 1) {
    const { rowId } = await table.append({ seat_no: seat, ticket });
    await table.delete(rowId, { ifVersion: 1 });
  }
  await overwrite(table, kept, 20);
  await database.compact();
  assert.equal(
    codeOf(() => table.history(21)),
    'Truncated',
  );
  assert.equal(
    codeOf(() => table.history(22)),
    'none',
  );
  await database.close();
  const again = await open();
  assert.equal(again.database.stats().tables[0]?.rowIdMax, 21);
  assert.equal(
    codeOf(() => again.table.history(21)),
    'Truncated',
  );
  assert.equal((await again.table.append({ seat_no: 1, ticket })).rowId, 22);
  await again.database.close();
  assert.ok(disk.sizeBytes('/data', '.segment') < 8 * SEGMENT_SIZE);
});

test('A scan that is under way keeps what its snapshot needs, and gives it up at its end', async () => {
  const { open } = place();
  const { database, table } = await open();
  const { rowId } = await table.append({ seat_no: 1, ticket });
  const { rowId: moved } = await table.append({ seat_no: 3, ticket });
  const { rowId: other } = await table.append({ seat_no: 2, ticket: new Uint8Array(1) });
  const pages = table.scan({ pageRows: 1 });
  assert.equal(pages.next().value?.rowId, rowId);
  await overwrite(table, other, 16);
  const compacted = database.compact();
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal(database.stats().compaction.firstSegment, 1);
  const second = pages.next().value;
  assert.deepEqual([second?.rowId, second?.version], [moved, 1], 'A row that was moved since is in the snapshot');
  const third = pages.next().value;
  assert.deepEqual([third?.rowId, third?.version, third?.row.ticket.length], [other, 1, 1]);
  assert.equal(pages.next().done, true);
  assert.ok((await compacted).firstSegment > 1);
  await database.close();
});

test('A segment with an operation that is remembered is kept, and the operation gets its first answer', async () => {
  const { open } = place();
  const { database, table } = await open({ operationWindow: 1000 });
  const operationId = '00000000000000000000000000000007';
  const answer = await table.append({ seat_no: 1, ticket }, { operationId });
  await overwrite(table, answer.rowId, 16);
  assert.equal((await database.compact()).firstSegment, 1);
  assert.deepEqual(await table.append({ seat_no: 1, ticket }, { operationId }), answer);
  await database.close();
});

test('Versions of the last days are kept, and older ones are given up with their segments', async () => {
  const { open, time } = place();
  const { database, table } = await open({ history: { days: 3 } });
  const { rowId } = await table.append({ seat_no: 1, ticket });
  for (let day = 0; day < 6; day += 1) {
    await overwrite(table, rowId, 8);
    assert.ok((await database.compact()).firstSegment === 1 || day > 3);
    time.wallMs += DAY_MS;
  }
  const { firstSegment } = await database.compact();
  assert.ok(firstSegment > 1);
  const since = time.wallMs - 3 * DAY_MS;
  const count = 49;
  const all = Array.from({ length: count }, (_, index) => index + 1).filter(
    (limit) => codeOf(() => table.history(rowId, { limit })) === 'none',
  ).length;
  const kept = table.history(rowId, { limit: all });
  assert.ok(all < count && kept.filter(({ time: written }) => written.getTime() >= since).length >= 16);
  await database.close();
});

/** A disk with a database that was closed, of which a part can be given up two days on; what every row says. */
async function readyToCompact(seed: number) {
  const { disk, open, time } = place(seed);
  const { database, table } = await open({ history: { days: 1 } });
  for (let seat = 1; seat <= 6; seat += 1) await table.append({ seat_no: seat, ticket: ticket.subarray(0, 5000) });
  await overwrite(table, 3, 8);
  await table.delete(5, { ifVersion: 1 });
  time.wallMs += 2 * DAY_MS;
  const rows = [...table.scan()].map(({ rowId, version, row }) => [rowId, version, row.ticket.length]);
  return { disk, open, time, database, rows };
}

test('A crash at each step of a compaction loses nothing, and the next run goes on', async () => {
  const whole = await readyToCompact(1);
  const first = whole.disk.operations;
  assert.ok((await whole.database.compact()).firstSegment > 1);
  const steps = whole.disk.operations - first;
  assert.ok(steps > 10);
  await whole.database.close();
  for (let step = 1; step <= steps; step += 1) {
    const { disk, time, database, rows } = await readyToCompact(1);
    disk.crashAt = disk.operations + step;
    await Promise.race([disk.died, database.compact()]);
    for (let outcome = 0; outcome <= POWER_CUTS; outcome += 1) {
      const message = `step ${step}, ${outcome === 0 ? 'kill' : `power cut ${outcome}`}`;
      const next = place(outcome, disk.after(outcome === 0 ? 'kill' : 'power cut'), time);
      const found = await next.open({ history: 'all' });
      const scanned = [...found.table.scan()].map(({ rowId, version, row }) => [rowId, version, row.ticket.length]);
      assert.deepEqual(scanned, rows, message);
      await found.database.close();
      if (outcome > 1) continue;
      const again = await next.open({ history: { days: 1 } });
      assert.ok((await again.database.compact()).firstSegment > 1, message);
      assert.equal((await again.table.append({ seat_no: 99, ticket })).rowId, 7, message);
      await again.database.close();
    }
  }
});

test('A segment with a damaged record is kept, and the failure is told', async () => {
  const { disk, open, time } = place();
  const { database, table } = await open({ history: { days: 1 } });
  const { rowId } = await table.append({ seat_no: 1, ticket });
  await overwrite(table, rowId, 16);
  time.wallMs += 2 * DAY_MS;
  const bytes = disk.bytesOf('/data', segmentName(1));
  bytes[2000] = (bytes[2000] ?? 0) ^ 1;
  await assert.rejects(database.compact(), { code: 'ChecksumMismatch', message: /0000000001\.segment is damaged at offset \d+/ });
  const { firstSegment, lastFailure } = database.stats().compaction;
  assert.equal(firstSegment, 1);
  assert.match(lastFailure ?? '', /0000000001\.segment is damaged/);
  bytes[2000] = (bytes[2000] ?? 0) ^ 1;
  const after = await database.compact();
  assert.ok(after.firstSegment > 1 && after.lastFailure === undefined);
  await database.close();
});

test('The log is compacted by itself when half of it is no longer in force, also without a sync for each batch', async () => {
  for (const durability of ['fsync', 'os'] as const) {
    const { open } = place();
    const { database, table } = await open({ durability });
    const { rowId } = await table.append({ seat_no: 1, ticket });
    await overwrite(table, rowId, 40);
    for (let turns = 0; database.stats().compaction.lastRun === undefined; turns += 1) {
      assert.ok(turns < 500, 'A segment is given up');
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await database.close();
  }
});

test('Nothing is moved again and again when all of the log is in force', async () => {
  const { open } = place();
  const { database, table } = await open();
  for (let seat = 1; seat <= 40; seat += 1) await table.append({ seat_no: seat, ticket });
  await new Promise((resolve) => setTimeout(resolve, 100));
  const { compaction, appended } = database.stats();
  assert.equal(compaction.lastRun, undefined);
  assert.ok(compaction.liveBytes > 40 * ticket.length && compaction.liveBytes < appended);
  await database.close();
});

test('Segments that an interrupted removal left are removed at the next opening, and are no part of the log before', async () => {
  const { disk, open, time } = place();
  const { database, table } = await open({ history: { days: 1 } });
  const { rowId } = await table.append({ seat_no: 1, ticket });
  await overwrite(table, rowId, 16);
  time.wallMs += 2 * DAY_MS;
  const left = disk.bytesOf('/data', segmentName(1)).slice();
  await database.compact();
  await database.close();
  const directory = disk.openDirectory('/data', { create: false });
  const file = directory.createFile(segmentName(1));
  file.write(left, 0);
  assert.ok(recover(directory).databaseId);
  const again = await open();
  assert.ok(!directory.list().includes(segmentName(1)) && directory.list().includes(MANIFEST_NAME));
  await again.database.close();
});

test('A log without the manifest or the segment that begins it is damaged', async () => {
  const { disk, open } = place();
  const { database, table } = await open();
  const { rowId } = await table.append({ seat_no: 1, ticket });
  await overwrite(table, rowId, 16);
  const { firstSegment } = await database.compact();
  await database.close();
  const names = disk.folders.get('/data')?.names;
  assert.ok(names);
  for (const name of [MANIFEST_NAME, segmentName(firstSegment)]) {
    const inode = names.get(name);
    assert.ok(inode);
    names.delete(name);
    await assert.rejects(open(), { code: 'Damaged', message: /segment (is missing|begins the log)/ });
    names.set(name, inode);
  }
  const manifest = disk.bytesOf('/data', MANIFEST_NAME);
  manifest[20] = (manifest[20] ?? 0) ^ 1;
  await assert.rejects(open(), { code: 'Damaged', message: /\/data\/manifest: damaged at offset 8/ });
});

test('The policy is checked', async () => {
  const { open } = place();
  await assert.rejects(open({ history: { days: 0 } }), {
    code: 'InvalidArgument',
    message: /for 0 days: must be an integer from 1 to 36500/,
  });
});
