import assert from 'node:assert/strict';
import test from 'node:test';
import { factsText } from './facts.ts';
import { Terminal } from './terminal.ts';
import { sizeText, textTable } from './text-table.ts';

class PlainTerminal extends Terminal {
  readonly #columns: number | undefined;

  constructor(columns?: number) {
    super({ isJson: false });
    this.#columns = columns;
  }

  override get columns(): number | undefined {
    return this.#columns;
  }

  override style(_style: unknown, text: string): string {
    return text;
  }
}

const columns = [{ title: 'name' }, { title: 'rows', isNumber: true }];
const rows = [
  ['seats', '7'],
  ['東京', '1,200'],
];

test('textTable() lines columns up by what they take on a terminal', () => {
  assert.equal(textTable(new PlainTerminal(), columns, rows), 'name    rows\nseats      7\n東京   1,200');
});

test('textTable() shows a table that is wider than the terminal row by row', () => {
  assert.equal(textTable(new PlainTerminal(10), columns, rows), 'name  seats\nrows  7\n\nname  東京\nrows  1,200');
});

test('factsText() names what is in lists and objects, and leaves out what is not there', () => {
  const facts = { path: '/data', failure: undefined, heapBytes: 2048, tables: [{ name: 'seats', liveRows: 3 }], server: { sessions: 1 } };
  assert.equal(
    factsText(new PlainTerminal(), facts),
    'path                   /data\nheapBytes              2048 (2.0 KiB)\ntables.seats.liveRows  3\nserver.sessions        1',
  );
});

test('sizeText() chooses the unit', () => {
  assert.deepEqual([0, 1023, 1024, 67_108_864, 1_500_000_000].map(sizeText), ['0 B', '1023 B', '1.0 KiB', '64.0 MiB', '1.4 GiB']);
});
