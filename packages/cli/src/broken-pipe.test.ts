import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { openDatabase } from '@k-lani/engine';
import { defineTable } from '@k-lani/protocol';
import { runCommand, startCommand, temporaryDirectory } from './command-process.fixture.ts';
import { ExitCode } from './exit-code.ts';

const things = defineTable({ table: 'things', fields: { text: { type: 'fixed_string', length: 256 } } });

test('a command whose reader goes away ends quietly, as with head, and leaves the database whole', async (context) => {
  const directory = join(temporaryDirectory(context), 'data');
  const database = await openDatabase(directory);
  const table = await database.table(things);
  await database.batch((batch) => {
    for (let row = 0; row < 5000; row += 1) batch.append(table, { text: 'x'.repeat(250) });
  });
  await database.close();
  const { child, ended, nextLine } = startCommand(context, ['query', 'things', '--all', '--json', '--data', directory]);
  await nextLine();
  child.stdout?.destroy();
  const { code, stderr } = await ended;
  assert.equal(stderr, '');
  assert.equal(code, ExitCode.readerGone);
  assert.equal((await runCommand(['verify', directory])).code, ExitCode.done);
});
