import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { Worker } from 'node:worker_threads';
import { SeededRandom } from '@k-lani/base';
import { KLaniError, defineTable } from '@k-lani/protocol';
import { DirectoryLock } from '../io/directory-lock.ts';
import { NodeIo } from '../io/node-io.ts';
import { NodeSharing } from '../io/shared-memory.ts';
import { ControlWords, VERSION_WORD } from '../snapshot/control-words.ts';
import { openDatabase, type OpenOptions } from './open-database.ts';
import { attachReader, openReader } from './open-reader.ts';
import type { ReaderDatabase } from './reader-database.ts';
import type { TableReader } from './table-reader.ts';

const options = { skip: process.platform === 'linux' ? false : 'memory is shared on Linux alone' };
const STOCK_ROWS = 3000;
const MODULES = new URL('.', import.meta.url).href;

const fields = {
  zone: { type: 'uint8', index: 'non_unique' },
  price: { type: 'uint32', index: 'ordered' },
  code: { type: 'uint32', index: 'unique' },
  buyer: { type: 'fixed_string', length: 16, required: false },
} as const;
const seats = defineTable({ table: 'seats', fields });
const ratedSeats = defineTable({
  table: 'seats',
  version: 2,
  fields: { ...fields, stars: { type: 'uint8', index: 'non_unique', default: 3 } },
});
const tickets = defineTable({ table: 'tickets', fields: { code: { type: 'uint32' }, photo: { type: 'blob' } } });

function folder(context: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'k-lani-reader-'));
  context.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** A database of 40 seats, and a reader beside it. */
async function place(context: TestContext, more: OpenOptions = {}) {
  const path = folder(context);
  const database = await openDatabase(path, { durability: 'os', ...more });
  const table = await database.table(seats);
  await database.batch((batch) => {
    for (let code = 1; code <= 40; code += 1) batch.append(table, { zone: code % 4, price: code * 10, code });
  });
  const reader = await openReader(path);
  context.after(async () => {
    reader.close();
    await database.close();
  });
  return { path, database, table, reader, read: await reader.table(seats) };
}

function everyAnswer(table: TableReader<typeof seats>): unknown[] {
  return [
    table.seek(7),
    table.seek(4_000_000),
    table.seekByField('code', 12),
    table.seekByPredicate({ field: 'price', gte: 100, lt: 150 }),
    table.queryIntersect([{ field: 'zone', eq: 1 }], { limit: 0 }),
    table.queryIntersect(
      [
        { field: 'zone', eq: 1 },
        { field: 'price', gte: 200 },
      ],
      { limit: 3 },
    ),
    table.queryIntersect([{ field: 'zone', eq: 2 }], { limit: 5, spread: 77 }),
    table.queryIntersect([{ field: 'price', gte: 300 }], { limit: 4 }),
    table.count(),
    table.count([{ field: 'zone', eq: 1 }]),
    table.count([
      { field: 'zone', eq: 1 },
      { field: 'price', lt: 200 },
    ]),
    table.explain([
      { field: 'zone', eq: 1 },
      { field: 'price', lt: 200 },
    ]),
    table.fetch([1, 2, 3, 4_000_000]),
    [...table.scan({ pageRows: 3 })],
    [...table.stream([{ field: 'zone', eq: 3 }], { pageRows: 2 })],
    table.history(5),
    table.history(5, { limit: 1 }),
    table.history(5, { beforeVersion: 2 }),
    table.schema,
  ];
}

function codeOf(run: () => unknown): string {
  try {
    run();
    return 'none';
  } catch (error) {
    assert.ok(error instanceof KLaniError, String(error));
    return error.code;
  }
}

test('TableReader gives what the table of the owner gives, after every change', options, async (context) => {
  const { database, table, reader, read } = await place(context);
  assert.deepEqual(everyAnswer(read), everyAnswer(table));
  await table.replace(5, { zone: 1, price: 777, code: 5, buyer: 'ada' }, { ifVersion: 1 });
  assert.deepEqual(everyAnswer(read), everyAnswer(table));
  await table.delete(7, { ifVersion: 1 });
  await table.claim({ where: [{ field: 'zone', eq: 1 }], set: { zone: 9 } });
  assert.deepEqual(everyAnswer(read), everyAnswer(table));
  assert.deepEqual(reader.listTables(), database.listTables());
  const { durable, tables } = database.stats();
  const counts = tables.map(({ name, liveRows, rowIdMax }) => ({ name, liveRows, rowIdMax }));
  assert.deepEqual(reader.stats(), { lsn: durable, derivedBytes: 2 << 20, tables: counts });
});

test('TableReader refuses what the table of the owner refuses', options, async (context) => {
  const { table, reader, read } = await place(context);
  for (const one of [table, read]) {
    assert.throws(() => one.queryIntersect([{ field: 'buyer', eq: 'ada' }] as never), { code: 'FieldNotIndexed' });
    assert.throws(() => one.queryIntersect([{ field: 'none', eq: 1 }] as never), { code: 'UnknownField' });
    assert.throws(() => one.seek(-1), { code: 'InvalidArgument' });
  }
  await assert.rejects(reader.openTable('none'), { code: 'UnknownTable' });
  await assert.rejects(reader.table(tickets), { code: 'UnknownTable' });
  const other = defineTable({ table: 'seats', fields: { ...fields, zone: { type: 'uint16', index: 'non_unique' } } });
  await assert.rejects(reader.table(other), { code: 'SchemaMismatch' });
});

test('A reader follows tables that are made and changed, and reads rows of every version', options, async (context) => {
  const { database, table, reader, read } = await place(context);
  const rated = await database.alterTable(ratedSeats);
  await rated.append({ zone: 1, price: 5, code: 100, stars: 5 });
  assert.deepEqual(everyAnswer(read), everyAnswer(table));
  const ratedRead = await reader.table(ratedSeats);
  assert.deepEqual(ratedRead.queryIntersect([{ field: 'stars', eq: 5 }]), [41]);
  assert.equal(ratedRead.count([{ field: 'stars', eq: 3 }]), 40);
  assert.equal(ratedRead.seek(1)?.row.stars, 3);
  const made = await database.table(tickets);
  await made.append({ code: 1, photo: new Uint8Array(3) });
  const madeRead = await reader.table(tickets);
  assert.deepEqual(madeRead.seek(1), made.seek(1));
  for (let count = 0; count < 300; count += 1) {
    await database.table(defineTable({ table: `more_${count}`, fields: { a: { type: 'uint8', index: 'ordered' } } }));
  }
  const last = await database.openTable('more_299');
  await last.append({ a: 7 });
  assert.deepEqual((await reader.openTable('more_299')).seekByField('a', 7), last.seekByField('a', 7));
  assert.deepEqual(reader.listTables(), database.listTables());
});

test('A reader follows memory that grows after it was opened', options, async (context) => {
  const { database, table, read } = await place(context);
  for (let round = 0; round < 8; round += 1) {
    await database.batch((batch) => {
      for (let count = 0; count < 20_000; count += 1) {
        const code = 1000 + round * 20_000 + count;
        batch.append(table, { zone: code % 50, price: code, code });
      }
    });
    assert.equal(read.count(), 40 + (round + 1) * 20_000);
    assert.deepEqual(read.seekByField('code', 1000 + round * 20_000), table.seekByField('code', 1000 + round * 20_000));
  }
  assert.ok(database.stats().derivedBytes > 4 << 20);
});

test('A reader finds the first matches of several equalities, however often they come and go', options, async (context) => {
  const path = folder(context);
  const stock = defineTable({
    table: 'stock',
    fields: { kind: { type: 'uint8', index: 'non_unique' }, state: { type: 'uint8', index: 'non_unique' } },
  });
  const database = await openDatabase(path, { durability: 'os' });
  const table = await database.table(stock);
  await database.batch((batch) => {
    for (let row = 0; row < STOCK_ROWS; row += 1) batch.append(table, { kind: row % 3, state: 1 });
  });
  using reader = await openReader(path);
  const read = await reader.table(stock);
  const random = new SeededRandom(11);
  let found = 0;
  for (let round = 0; round < 150; round += 1) {
    // Sometimes more than the side lists as changed.
    const changes = random.below(8) === 0 ? 600 : 1 + random.below(4);
    const from = 1 + random.below(STOCK_ROWS - changes);
    await database.batch((batch) => {
      for (let rowId = from; rowId < from + changes; rowId += 1) {
        const { version, row } = table.seek(rowId) ?? assert.fail('The row is there');
        batch.replace(table, rowId, { ...row, state: random.below(3) === 0 ? 0 : 1 }, { ifVersion: version });
      }
    });
    for (let count = random.below(3); count >= 0; count -= 1) {
      const terms = [
        { field: 'kind', eq: random.below(3) },
        { field: 'state', eq: random.below(2) },
      ] as const;
      const limit = 1 + random.below(5);
      const expected = [...table.scan()]
        .filter(({ row }) => row.kind === terms[0].eq && row.state === terms[1].eq)
        .map(({ rowId }) => rowId);
      assert.deepEqual(read.queryIntersect(terms, { limit }), expected.slice(0, limit), `round ${round}`);
      found += expected.length > 0 ? 1 : 0;
    }
  }
  assert.ok(found > 100);
  await database.close();
});

test('A scan gives one snapshot, whatever is written meanwhile', options, async (context) => {
  const { table, read } = await place(context);
  const before = [...table.scan()];
  const scan = read.scan({ pageRows: 1 });
  const seen = [scan.next().value];
  for (let rowId = 2; rowId <= 40; rowId += 2) await table.delete(rowId, { ifVersion: 1 });
  for (let rowId = 3; rowId <= 40; rowId += 2) await table.replace(rowId, { zone: 8, price: 8, code: rowId }, { ifVersion: 1 });
  await table.append({ zone: 1, price: 1, code: 1000 });
  for (const row of scan) seen.push(row);
  assert.deepEqual(seen, before);
});

test(
  'A reader lets go of segments that were given up: history is Truncated, a scan of before SnapshotExpired',
  options,
  async (context) => {
    const path = folder(context);
    const database = await openDatabase(path, { durability: 'os', segmentSizeBytes: 1 << 16, history: 'latest', operationWindow: 2 });
    const table = await database.table(tickets);
    const photo = new Uint8Array(10_000).fill(1);
    for (let code = 1; code <= 3; code += 1) await table.append({ code, photo });
    const reader = await openReader(path);
    const read = await reader.table(tickets);
    const scan = read.scan({ pageRows: 1 });
    assert.equal(scan.next().value?.rowId, 1);
    for (let version = 1; version <= 40; version += 1) await table.replace(2, { code: version, photo }, { ifVersion: version });
    await table.delete(3, { ifVersion: 1 });
    for (let version = 1; version <= 20; version += 1) await table.replace(1, { code: version, photo }, { ifVersion: version });
    await database.compact();
    assert.deepEqual(read.seek(2), table.seek(2));
    assert.deepEqual([...read.scan()], [...table.scan()]);
    assert.deepEqual(read.history(2, { limit: 1 }), table.history(2, { limit: 1 }));
    for (const rowId of [1, 2, 3]) {
      const answers = [table, read].map((one) => codeOf(() => one.history(rowId)));
      assert.deepEqual(answers, ['Truncated', 'Truncated'], `row ${rowId}`);
    }
    assert.equal(
      codeOf(() => [...scan]),
      'SnapshotExpired',
    );
    reader.close();
    await database.close();
  },
);

test('Reads throw Closed after the reader was closed, and once the owner is', options, async (context) => {
  const { database, read, path } = await place(context);
  const other = attachReader(database.share());
  const otherRead = await other.openTable('seats');
  other.close();
  other.close();
  assert.equal(
    codeOf(() => otherRead.seek(1)),
    'Closed',
  );
  assert.equal(read.count(), 40);
  const handle = database.share();
  await database.close();
  assert.equal(
    codeOf(() => read.seek(1)),
    'Closed',
  );
  assert.equal(
    codeOf(() => attachReader(handle)),
    'Closed',
  );
  await assert.rejects(openReader(path), { code: 'NotFound' });
});

test('A thread reads by the handle that it is sent, while the owner writes', options, async (context) => {
  const { database, table } = await place(context);
  const worker = new Worker(
    `import { parentPort, workerData } from 'node:worker_threads';
     const { attachReader } = await import(${JSON.stringify(new URL('open-reader.ts', MODULES).href)});
     const reader = attachReader(workerData);
     const seats = await reader.openTable('seats');
     parentPort.on('message', (rowId) => {
       if (rowId === 0) reader.close();
       else parentPort.postMessage(seats.seek(rowId));
     });`,
    { eval: true, workerData: database.share() },
  );
  for (let rowId = 41; rowId < 60; rowId += 1) {
    await table.append({ zone: 1, price: rowId, code: rowId });
    worker.postMessage(rowId, []);
    assert.deepEqual(await once(worker, 'message'), [table.seek(rowId)]);
  }
  worker.postMessage(0, []);
  await worker.terminate();
});

test('share() and openReader() answer Unsupported where memory is not shared', options, async (context) => {
  const path = folder(context);
  const io = new NodeIo({ mapping: false });
  const database = await openDatabase(path, { durability: 'os', io });
  assert.equal(
    codeOf(() => database.share()),
    'Unsupported',
  );
  await assert.rejects(openReader(path, { io }), { code: 'Unsupported' });
  await assert.rejects(openReader(path), { code: 'NotFound', message: /shares no memory$/ });
  await database.close();
  const readOnly = await openDatabase(path, { readOnly: true });
  assert.equal(
    codeOf(() => readOnly.share()),
    'Unsupported',
  );
  await readOnly.close();
});

test(
  'openReader() finds no server where there is none, in a copy of a directory, nor by a lock file that is garbage',
  options,
  async (context) => {
    const path = folder(context);
    await assert.rejects(openReader(join(path, 'none')), { code: 'NotFound' });
    await assert.rejects(openReader(path), { code: 'NotFound' });
    const { path: used } = await place(context);
    const copy = folder(context);
    cpSync(used, copy, { recursive: true });
    await assert.rejects(openReader(copy), { code: 'NotFound' });
    writeFileSync(join(path, 'lock'), 'garbage\n');
    await assert.rejects(openReader(path), { code: 'NotFound' });
  },
);

test(
  'openReader() answers Overloaded while a database is being opened, and FormatUnsupported for one of another version',
  options,
  async (context) => {
    const path = folder(context);
    const lock = DirectoryLock.acquire(join(path, 'lock'));
    const control = new ControlWords(new NodeSharing(path), { segmentSizeBytes: 1 << 16, firstSegment: 1 });
    await assert.rejects(openReader(path), { code: 'Overloaded', retryAfterMs: 50 });
    control.open();
    Atomics.store(control.words, VERSION_WORD, 2);
    await assert.rejects(openReader(path), { code: 'FormatUnsupported', message: /version is 2, must be 1$/ });
    control.close();
    lock.release();
  },
);

test('A reader whose server is killed reads Closed within a second', options, async (context) => {
  const path = folder(context);
  const server = spawn(process.execPath, ['--input-type=module', '-e', serverProgram(path)], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(server.stdout, 'data');
  const reader = await openReader(path);
  const read = await reader.openTable('seats');
  assert.equal(read.count(), 1);
  server.kill('SIGKILL');
  await once(server, 'exit');
  const killedMs = performance.now();
  while (codeOf(() => read.count()) === 'none') await new Promise((resolve) => setImmediate(resolve));
  assert.ok(performance.now() - killedMs < 1000, `${performance.now() - killedMs} ms`);
  assert.equal(
    codeOf(() => read.count()),
    'Closed',
  );
});

test('A reader that does not read learns of the end, and gives the memory back', options, async (context) => {
  const { database, reader } = await place(context);
  await database.close();
  for (let waits = 0; waits < 100 && !isReleased(reader); waits += 1) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.ok(isReleased(reader));
});

test(
  'openReader() says that the server is of another user',
  { skip: process.platform !== 'linux' || process.getuid?.() !== 0 ? 'only root can become another user' : false },
  async (context) => {
    const { path } = await place(context);
    chmodSync(path, 0o755);
    chmodSync(join(path, 'lock'), 0o644);
    const program = `
      const { openReader } = await import(${JSON.stringify(new URL('open-reader.ts', MODULES).href)});
      try { await openReader(${JSON.stringify(path)}); console.log('none'); } catch (error) { console.log(error.code, error.message); }`;
    const nobody = spawnSync(process.execPath, ['--input-type=module', '-e', program], { uid: 65_534, gid: 65_534, encoding: 'utf8' });
    assert.match(nobody.stdout, /^Io Cannot read the memory of process \d+, .* it runs as another user/);
  },
);

/** Whether the reader holds no memory any more. */
function isReleased(reader: ReaderDatabase): boolean {
  return reader.shared.isClosed;
}

/** Serves one seat until it is killed. */
function serverProgram(path: string): string {
  return `
    const { openDatabase } = await import(${JSON.stringify(new URL('open-database.ts', MODULES).href)});
    const database = await openDatabase(${JSON.stringify(path)}, { durability: 'os' });
    const table = await database.table(${JSON.stringify(seats)});
    await table.append({ zone: 1, price: 1, code: 1 });
    process.stdout.write('ready');
    setInterval(() => database.stats(), 1e9);
  `;
}
