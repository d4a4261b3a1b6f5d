import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { openDatabase } from '@k-lani/engine';
import { defineTable } from '@k-lani/protocol';
import { archiveFault } from './archived.ts';

const SEGMENT_SIZE_BYTES = 64 * 1024;
const notes = defineTable({ table: 'notes', fields: { text: { type: 'blob' } } });
const text = new Uint8Array(10_000).fill(7);

test('archiveFault() finds one log in an archive and what is kept, and says where it is broken', async (context) => {
  const base = mkdtempSync(join(tmpdir(), 'archived-'));
  context.after(() => rmSync(base, { recursive: true }));
  const [directory, archive] = [join(base, 'database'), join(base, 'archive')];
  const options = { segmentSizeBytes: SEGMENT_SIZE_BYTES, history: 'latest', operationWindow: 2, archive } as const;
  const database = await openDatabase(directory, options);
  const table = await database.table(notes);
  const { rowId } = await table.append({ text });
  for (let version = 1; version <= 40; version += 1) await table.replace(rowId, { text }, { ifVersion: version });
  const { firstSegment } = await database.compact();
  await database.close();
  assert.ok(firstSegment > 2);
  assert.equal(archiveFault(directory, archive), undefined);
  assert.deepEqual(readdirSync(base).toSorted(), ['archive', 'database']);

  const last = join(archive, `${String(firstSegment - 1).padStart(10, '0')}.segment`);
  const bytes = readFileSync(last);
  const damaged = bytes.with(1000, (bytes[1000] ?? 0) ^ 1);
  writeFileSync(last, damaged);
  assert.match(archiveFault(directory, archive) ?? '', /is not one log: .*\.segment: damaged at offset \d+/);
  rmSync(last);
  assert.match(archiveFault(directory, archive) ?? '', /is not one log: /);
});
