import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { KLaniError, defineTable } from '@k-lani/protocol';
import { NodeIo } from '../io/node-io.ts';
import { openDatabase } from './open-database.ts';

const seats = defineTable({
  table: 'seats',
  fields: { seat_no: { type: 'uint32', index: 'unique' }, buyer: { type: 'fixed_string', length: 16, required: false } },
});

/** A closed database with one row. */
async function made(context: TestContext): Promise<string> {
  const path = join(mkdtempSync(join(tmpdir(), 'k-lani-read-only-')), 'data');
  context.after(() => rmSync(join(path, '..'), { recursive: true, force: true }));
  await using database = await openDatabase(path, { segmentSizeBytes: 64 * 1024 });
  const table = await database.table(seats);
  await table.append({ seat_no: 7 });
  return path;
}

function filesOf(path: string): Map<string, string> {
  const names = readdirSync(path).filter((name) => name !== 'lock');
  return new Map(names.map((name) => [name, readFileSync(join(path, name), 'hex')]));
}

test('a database that is opened for reading shows what is stored and changes no file', async (context) => {
  const path = await made(context);
  const before = filesOf(path);
  {
    await using database = await openDatabase(path, { readOnly: true });
    const table = await database.openTable('seats');
    assert.equal(table.seek(1)?.row['seat_no'], 7);
    assert.equal(table.count([{ field: 'seat_no', eq: 7 }]), 1);
    assert.equal(table.history(1).length, 1);
    assert.equal(database.stats().epoch, 1);
  }
  assert.deepEqual(filesOf(path), before);
});

test('a database that is opened for reading answers ReadOnly to every write', async (context) => {
  await using database = await openDatabase(await made(context), { readOnly: true });
  const table = await database.openTable('seats');
  const refused = { code: 'ReadOnly', message: 'Cannot write: the database is open for reading only' };
  await assert.rejects(table.append({ seat_no: 8 }), refused);
  await assert.rejects(table.replace(1, { seat_no: 9 }, { ifVersion: 1 }), refused);
  await assert.rejects(table.delete(1, { ifVersion: 1 }), refused);
  await assert.rejects(table.claim({ where: [{ field: 'seat_no', eq: 7 }], set: { buyer: 'ada' } }), refused);
  await assert.rejects(table.tryLock(1), refused);
  await assert.rejects(database.table({ ...seats, table: 'stalls' }), refused);
  await assert.rejects(database.checkpoint(), refused);
});

test('opening for reading makes no database, and takes no lock where none can be taken', async (context) => {
  const path = await made(context);
  await assert.rejects(openDatabase(join(path, 'nothing'), { readOnly: true }), { code: 'NotFound' });
  const real = new NodeIo();
  await using database = await openDatabase(path, {
    readOnly: true,
    io: {
      openDirectory: (name, options) => {
        const directory = real.openDirectory(name, options);
        directory.acquireLock = () => {
          throw new KLaniError('ReadOnly', 'Cannot lock directory: EROFS');
        };
        return directory;
      },
    },
  });
  assert.equal(database.listTables()[0]?.liveRows, 1);
});

test('opening for reading is refused while a process writes', async (context) => {
  const path = await made(context);
  await using writer = await openDatabase(path);
  assert.equal(writer.listTables().length, 1);
  await assert.rejects(openDatabase(path, { readOnly: true }), { code: 'DirectoryLocked' });
});
