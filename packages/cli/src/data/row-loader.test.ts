import assert from 'node:assert/strict';
import test from 'node:test';
import { defineTable, KLaniError } from '@k-lani/protocol';
import { type Refusal, RowLoader } from './row-loader.ts';
import type { NewRow } from './row-text.ts';
import type { OpenedTable, StoreTable } from './store.ts';

const schema = defineTable({ table: 'things', fields: { code: { type: 'uint32', index: 'unique' } } });

/** A table in memory that refuses a code that it has, and fails for good at `failAt` rows. */
function memoryTable(failAt = Infinity) {
  const codes: unknown[] = [];
  let batches = 0;
  const add = (rows: readonly NewRow[]): number[] => {
    if (codes.length + rows.length > failAt) throw new KLaniError('OutcomeUnknown', 'Cannot know', { operationId: 'ab' });
    const fresh = rows.map((row) => row['code']);
    if (fresh.some((code, index) => codes.includes(code) || fresh.indexOf(code) !== index)) {
      throw new KLaniError('DuplicateKey', 'Cannot append row: code is there');
    }
    return fresh.map((code) => codes.push(code));
  };
  const table: Pick<StoreTable, 'name' | 'schema' | 'append'> = {
    name: 'things',
    schema,
    append: async (row) => ({ rowId: add([row])[0] ?? 0, version: 1, lsn: 1 }),
  };
  const opened: OpenedTable = {
    table: table as StoreTable,
    appendAll: async (rows) => {
      batches += 1;
      return { lsn: 1, changes: add(rows).map((rowId) => ({ rowId, version: 1 })) };
    },
  };
  return { opened, codes, batchCount: () => batches };
}

test('RowLoader stores everything in batches, in the order of the lines', async () => {
  const { opened, codes, batchCount } = memoryTable();
  const loader = new RowLoader(opened, { refused: () => assert.fail(), stored: () => {} });
  for (let number = 1; number <= 1200; number += 1) await loader.add({ number, text: `{"code": ${number}}` });
  await loader.end();
  assert.deepEqual(
    codes,
    Array.from({ length: 1200 }, (_, index) => index + 1),
  );
  assert.equal(batchCount(), 3);
  assert.deepEqual([loader.appended, loader.refused, loader.rowIdFirst, loader.rowIdLast], [1200, 0, 1, 1200]);
});

test('RowLoader tells each refused line and stores the rows around it', async () => {
  const { opened, codes } = memoryTable();
  const refusals: Refusal[] = [];
  const loader = new RowLoader(opened, { refused: (refusal) => refusals.push(refusal), stored: () => {} });
  const lines = ['{"code": 1}', '', '{"code": 2}', '{"code": 1}', 'nonsense', '{"kode": 3}', '{"code": 4}', '{"code": "5"}'];
  for (const [index, text] of lines.entries()) await loader.add({ number: index + 1, text });
  await loader.add({ number: 9, text: undefined });
  await loader.end();
  assert.deepEqual(codes, [1, 2, 4]);
  assert.deepEqual(refusals.map(({ line, error }) => [line, error.code] as const).toSorted(byLine), [
    [4, 'DuplicateKey'],
    [5, 'InvalidArgument'],
    [6, 'UnknownField'],
    [8, 'FieldOutOfRange'],
    [9, 'InvalidArgument'],
  ]);
  assert.deepEqual([loader.appended, loader.refused], [3, 5]);
});

test('RowLoader ends with an error that is of no row, and says up to which line everything is stored', async () => {
  const { opened, codes } = memoryTable(600);
  const loader = new RowLoader(opened, { refused: () => assert.fail(), stored: () => {} });
  const loading = async (): Promise<void> => {
    for (let number = 1; number <= 5000; number += 1) await loader.add({ number, text: `{"code": ${number}}` });
  };
  await assert.rejects(loading(), { code: 'OutcomeUnknown' });
  assert.equal(codes.length, 500);
  assert.deepEqual([loader.appended, loader.lineDone, loader.lineSent], [500, 500, 1000]);
});

function byLine([left]: readonly [number, string], [right]: readonly [number, string]): number {
  return left - right;
}
