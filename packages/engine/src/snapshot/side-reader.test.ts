import assert from 'node:assert/strict';
import test from 'node:test';
import { NodeClock } from '../io/node-clock.ts';
import { CONTROL_SIZE_BYTES, READERS_WORD, READER_SLOTS } from './control-words.ts';
import { ReaderSlots } from './reader-slots.ts';
import { SideReader } from './side-reader.ts';

const SIDES = ['left', 'right'] as const;

/** The writer's slots, with the words that readers need. */
class TestSlots extends ReaderSlots {
  readonly words: Int32Array;

  constructor(words = new Int32Array(new SharedArrayBuffer(CONTROL_SIZE_BYTES))) {
    super(words, new NodeClock());
    this.words = words;
  }
}

function slots(): TestSlots {
  return new TestSlots();
}

function reader({ words }: TestSlots): SideReader<string> {
  return new SideReader(words, SIDES);
}

test('SideReader.read() gives the visible side, and its slot says so as long as it lasts', () => {
  const shared = slots();
  const one = reader(shared);
  const seen = one.read((side) => [side, shared.hasReaders(0), shared.hasReaders(1)]);
  assert.deepEqual(seen, ['left', true, false]);
  shared.swap();
  assert.deepEqual(
    one.read((side) => [side, shared.hasReaders(0), shared.hasReaders(1)]),
    ['right', false, true],
  );
  assert.equal(shared.hasReaders(1), false);
});

test('SideReader.read() throws what the read throws, and gives the slot back', () => {
  const shared = slots();
  assert.throws(
    () =>
      reader(shared).read(() => {
        throw new RangeError('of the read');
      }),
    RangeError,
  );
  assert.equal(shared.hasReaders(0), false);
});

test('SideReader.read() reads again when its side was taken away, and passes over an error from then (invariant 3)', () => {
  const shared = slots();
  const sides: string[] = [];
  const result = reader(shared).read((side) => {
    sides.push(side);
    if (sides.length > 1) return side;
    shared.swap();
    shared.drain(0);
    throw new TypeError('of a mixture of snapshots');
  });
  assert.equal(result, 'right');
  assert.deepEqual(sides, ['left', 'right']);
});

test('SideReader.read() answers Overloaded when its side is taken away each time', () => {
  const shared = slots();
  let attempts = 0;
  const takenAway = (side: string): void => {
    attempts += 1;
    shared.swap();
    shared.drain(side === 'left' ? 0 : 1);
  };
  assert.throws(() => reader(shared).read(takenAway), { code: 'Overloaded' });
  assert.equal(attempts, 16);
});

test('A slot that was revoked from a stopped reader serves another one, and the first finds that it lost it (invariant 4)', () => {
  const shared = slots();
  const stopped = reader(shared);
  let attempts = 0;
  const result = stopped.read((side) => {
    attempts += 1;
    if (attempts > 1) return side;
    shared.swap();
    shared.drain(0);
    // As many others as there are slots need one at the same time: the last of them gets that of the stopped reader.
    const others = Array.from({ length: READER_SLOTS }, () => reader(shared));
    const nested = (index: number): string => others[index]?.read((own) => (index + 1 < others.length ? nested(index + 1) : own)) ?? '';
    assert.equal(nested(0), 'right');
    return side;
  });
  assert.equal(result, 'right');
  assert.equal(attempts, 2);
});

test('SideReader.read() answers Overloaded when every slot is in use', () => {
  const shared = slots();
  const readers = Array.from({ length: READER_SLOTS + 1 }, () => reader(shared));
  const nested = (index: number): string => readers[index]?.read((side) => (index < READER_SLOTS ? nested(index + 1) : side)) ?? '';
  assert.throws(() => nested(0), { code: 'Overloaded', message: 'Cannot read: all 64 reader slots are in use' });
  assert.equal(shared.hasReaders(0), false);
  assert.equal(nested(1), 'left');
});

test('Readers that come and go are given every slot in turn, and the count of them goes round without forgetting a slot', () => {
  const shared = slots();
  for (const readers of [0, 1, READER_SLOTS, READER_SLOTS + 1, 2 ** 30 - 1, 2 ** 30]) {
    shared.words[READERS_WORD] = readers;
    assert.equal(
      reader(shared).read((side) => (shared.hasReaders(0) ? side : 'nobody')),
      'left',
      `${readers} readers before`,
    );
  }
  assert.equal(shared.words[READERS_WORD], READER_SLOTS);
});
