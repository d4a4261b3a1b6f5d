import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { openDatabase } from '@k-lani/engine';
import { defineTable } from '@k-lani/protocol';
import { runCommand, temporaryDirectory } from './command-process.fixture.ts';
import { ExitCode } from './exit-code.ts';

/** Bytes of a segment: the fewest that it may have. */
const SEGMENT = 64 * 1024;

const seats = defineTable({
  table: 'seats',
  fields: { seat_no: { type: 'uint32', index: 'unique' }, buyer: { type: 'fixed_string', length: 20, required: false } },
});

/** A database with a row of two versions and one of one version, closed in good order. */
async function written(context: TestContext): Promise<string> {
  const path = join(temporaryDirectory(context), 'seats');
  await using database = await openDatabase(path, { segmentSizeBytes: SEGMENT });
  const table = await database.table(seats);
  await table.append({ seat_no: 1, buyer: null });
  await table.append({ seat_no: 2, buyer: 'grace' });
  await table.replace(1, { seat_no: 1, buyer: 'ada' }, { ifVersion: 1 });
  return path;
}

test('repair brings back everything of a directory that is whole', async (context) => {
  const data = await written(context);
  const { code, stdout } = await runCommand(['repair', '--data', data, '--to', `${data}-new`]);
  assert.equal(code, ExitCode.done);
  assert.match(stdout, /^table seats +2 rows, 3 versions of rows, row ids go on behind 2$/m);
  assert.match(stdout, /Everything is intact/);
  const whole = await runCommand(['verify', `${data}-new`]);
  assert.equal(whole.code, ExitCode.done);
});

test('repair tells which row is older than it was, leaves the damaged directory alone, and its result verifies', async (context) => {
  const data = await written(context);
  const file = join(data, '0000000001.segment');
  const bytes = readFileSync(file);
  const at = bytes.indexOf('ada');
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(file, bytes);
  const names = readdirSync(data);
  assert.equal((await runCommand(['verify', data])).code, ExitCode.damaged);
  const { code, stdout } = await runCommand(['repair', '--data', data, '--to', `${data}-new`]);
  assert.equal(code, ExitCode.partly);
  assert.match(stdout, /^0000000001\.segment +\d+ +136 {2}seats 1, version 2 {2}a record does not match its checksum$/m);
  assert.match(stdout, /Rows whose latest version is lost:\n.*\nseats +1 +2 +1\n/);
  assert.deepEqual(readdirSync(data), names);
  assert.deepEqual(readFileSync(file), bytes);
  assert.equal((await runCommand(['verify', `${data}-new`])).code, ExitCode.done);
  const again = await runCommand(['repair', '--data', data, '--to', `${data}-new`, '--json']);
  assert.equal(again.code, ExitCode.usage);
  const json = await runCommand(['repair', '--data', data, '--to', `${data}-json`, '--json']);
  const report = JSON.parse(json.stdout) as { ok: boolean; lostLatest: unknown };
  assert.equal(report.ok, false);
  assert.deepEqual(report.lostLatest, [{ table: 'seats', rowId: 1, lost: 2, kept: 1 }]);
  await using database = await openDatabase(`${data}-new`);
  const table = await database.table(seats);
  assert.deepEqual([table.seek(1)?.row.buyer, table.seek(2)?.row.buyer], [null, 'grace']);
});

test('repair says of a file that is cut off that the list of rows cannot be complete', async (context) => {
  const data = await written(context);
  truncateSync(join(data, '0000000001.segment'), 32 * 1024);
  const { code, stdout } = await runCommand(['repair', '--data', data, '--to', `${data}-new`]);
  assert.equal(code, ExitCode.partly);
  assert.match(stdout, /^0000000001\.segment +32768 +32768 +the file is cut off$/m);
  assert.match(stdout, /Of 32,768 lost bytes nothing tells which rows they held: any row may be older/);
});

test('repair says of segments that are not there, and of a manifest that is not whole, that nobody knows whether they are lost', async (context) => {
  const data = await written(context);
  const database = await openDatabase(data);
  const table = await database.table(seats);
  for (let version = 1; database.stats().appended < 2 * SEGMENT; version += 1) {
    await table.replace(2, { seat_no: 2, buyer: 'grace' }, { ifVersion: version });
  }
  await database.close();
  rmSync(join(data, '0000000001.segment'));
  writeFileSync(join(data, 'manifest'), 'not a manifest');
  const { code, stdout } = await runCommand(['repair', '--data', data, '--to', `${data}-new`]);
  assert.equal(code, ExitCode.partly);
  assert.match(stdout, /^manifest +0 +0 +the manifest is not whole: whether segments 1 to 1 were given up or are lost cannot be known$/m);
  assert.match(stdout, /What was before segment 2 is not there, and the manifest .* is not whole: if it is lost, any row may be older/);
});
