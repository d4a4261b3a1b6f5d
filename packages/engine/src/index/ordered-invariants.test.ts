import assert from 'node:assert/strict';
import test from 'node:test';
import { PageStore, pageOffset } from '../memory/page-store.ts';
import { OrderedIndex } from './ordered-index.ts';

const TREE_WORD = 2;
const HEIGHT_WORD = 3;
const SIZE_WORD = 4;
const ENTRIES_WORD = 2;
/** A key, a row id, a child and its count. */
const INNER_STRIDE = 4;

/** An index of three full leaves under a root node, and its words to damage. */
class Subject {
  readonly store = new PageStore();
  readonly index = OrderedIndex.create(this.store, 1);

  constructor() {
    for (let rowId = 1; rowId <= 1500; rowId += 1) this.index.add(Uint32Array.of(rowId * 2), rowId);
    this.index.assertInvariants();
  }

  get(page: number, word: number): number {
    return this.store.words(page)[pageOffset(page) + word] ?? 0;
  }

  set(page: number, word: number, value: number): void {
    this.store.words(page)[pageOffset(page) + word] = value;
  }

  get tree(): number {
    return this.get(this.index.rootPage, TREE_WORD);
  }

  child(index: number): number {
    return this.get(this.tree, ENTRIES_WORD + index * INNER_STRIDE + 2);
  }
}

const DAMAGES: readonly { readonly invariant: number; readonly damage: (subject: Subject) => void }[] = [
  { invariant: 1, damage: (subject) => subject.set(subject.index.rootPage, HEIGHT_WORD, 0) },
  { invariant: 2, damage: (subject) => subject.set(subject.child(1), 1, 1) },
  { invariant: 3, damage: (subject) => subject.set(subject.child(1), 0, 0) },
  { invariant: 3, damage: (subject) => subject.set(subject.tree, 0, 1) },
  { invariant: 4, damage: (subject) => subject.set(subject.child(1), ENTRIES_WORD + 10, 0xffff_ffff) },
  { invariant: 4, damage: (subject) => subject.set(subject.child(0), ENTRIES_WORD + 1, 0) },
  { invariant: 5, damage: (subject) => subject.set(subject.tree, ENTRIES_WORD + INNER_STRIDE, 0) },
  { invariant: 5, damage: (subject) => subject.set(subject.tree, ENTRIES_WORD + INNER_STRIDE, 0xffff_ffff) },
  { invariant: 6, damage: (subject) => subject.set(subject.tree, ENTRIES_WORD + INNER_STRIDE + 3, 7) },
  { invariant: 6, damage: (subject) => subject.set(subject.index.rootPage, SIZE_WORD, 7) },
  { invariant: 7, damage: (subject) => subject.set(subject.tree, ENTRIES_WORD + 2 * INNER_STRIDE + 2, subject.child(0)) },
];

test('OrderedIndex.assertInvariants() notices a break of each invariant, and names its number', () => {
  for (const { invariant, damage } of DAMAGES) {
    const subject = new Subject();
    damage(subject);
    assert.throws(() => subject.index.assertInvariants(), new RegExp(`invariant ${invariant}:`));
  }
});
