import assert from 'node:assert/strict';
import test from 'node:test';
import { SeededRandom } from '@k-lani/base';
import * as fc from 'fast-check';
import { PAGE_WORDS, PageStore, pageOffset } from './page-store.ts';

/** Takes and gives back pages at random, each page filled with a number of its own, and checks that nobody else writes there. */
function run(seed: number): void {
  const random = new SeededRandom(seed);
  const pagesMax = 2 + random.below(700);
  const stores = [new PageStore(pagesMax), new PageStore(pagesMax)];
  const numbers = new Map<number, number>();
  for (let step = 0; step < 1500; step += 1) {
    const grows = random.below(700) > numbers.size;
    const known = [...numbers.keys()];
    const victim = known[random.below(known.length + 1)];
    const taken: number[] = [];
    for (const store of stores) {
      if (grows) {
        try {
          taken.push(store.allocate());
        } catch (error) {
          assert.equal(error instanceof Error && 'code' in error && error.code, 'LimitReached');
          assert.equal(numbers.size, pagesMax - Math.ceil(pagesMax / 256));
        }
      } else if (victim !== undefined) {
        const words = store.words(victim).subarray(pageOffset(victim), pageOffset(victim) + PAGE_WORDS);
        assert.ok(words.every((word) => word === numbers.get(victim)));
        store.release(victim);
      }
    }
    if (!grows && victim !== undefined) numbers.delete(victim);
    const [page] = taken;
    if (page === undefined) continue;
    assert.deepEqual(taken, [page, page], 'invariant 3');
    assert.ok(page > 0 && page < pagesMax && !numbers.has(page));
    for (const store of stores) {
      const words = store.words(page).subarray(pageOffset(page), pageOffset(page) + PAGE_WORDS);
      assert.ok(words.every((word) => word === 0));
      words.fill(step + 1);
    }
    numbers.set(page, step + 1);
    assert.equal(stores[0]?.pageCount, numbers.size);
  }
}

test('PageStore hands out no page twice, keeps what is written there, and does the same for the same calls', () => {
  fc.assert(fc.property(fc.nat(), run), { numRuns: 10 });
});
