import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';

import { openDatabase } from './open-database.ts';
import { segmentName } from '../log/segment.ts';
import { NodeIo } from '../io/node-io.ts';

const SEGMENT = 64 * 1024;
/** In the record of the first batch, behind the headers of segment and batch. */
const TORN_AT = 256 + 128 + 40;

test('a checkpoint is asked for where every segment before the newest was torn in its first write: there is no log to make it of', async (context) => {
  const options = { segmentSizeBytes: SEGMENT, checkpointBytes: 1, io: new NodeIo() };
  let path = mkdtempSync(join(tmpdir(), 'k-lani-torn-'));
  for (const index of [1, 2]) {
    const database = await openDatabase(path, options);
    const copy = mkdtempSync(join(tmpdir(), 'k-lani-torn-'));
    cpSync(path, copy, { recursive: true });
    await database.close();
    rmSync(path, { recursive: true, force: true });
    path = copy;
    const file = join(path, segmentName(index));
    const bytes = readFileSync(file);
    bytes.fill(0, TORN_AT, TORN_AT + 16);
    writeFileSync(file, bytes);
  }
  context.after(() => rmSync(path, { recursive: true, force: true }));
  await (await openDatabase(path, options)).close();
  const database = await openDatabase(path, options);
  const { lsn } = await database.checkpoint();
  assert.equal(Math.floor(lsn / SEGMENT), 3);
  assert.equal(database.stats().checkpoint.built, 0);
  await database.close();
});
