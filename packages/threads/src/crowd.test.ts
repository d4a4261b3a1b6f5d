import assert from 'node:assert/strict';
import { once } from 'node:events';
import test from 'node:test';
import { openDatabase } from '@k-lani/engine';
import { seat, seats } from './database.contract.ts';
import { newDirectory } from './owner-thread.fixture.ts';
import { startSeller, type Takings } from './seller.fixture.ts';
import { share } from './sharing.ts';

const THREADS = 32;
const SEATS = 640;

test(
  'Thirty-two threads that want the same seats sell each once, in groups, and see at once what they did',
  { timeout: 300_000 },
  async (context) => {
    const database = await openDatabase(newDirectory(context), { segmentSizeBytes: 1024 * 1024 });
    context.after(() => database.close());
    const table = await database.table(seats);
    const { lsn } = await database.batch((batch) => {
      for (let number = 1; number <= SEATS; number += 1) batch.append(table, seat(number));
      batch.append(table, seat(SEATS + 1, { rank: 9, is_booked: 2, price: 0 }));
    });
    assert.ok(lsn > 0);
    const syncsBefore = database.stats().syncs;
    const sellers = Array.from({ length: THREADS }, (_, index) =>
      startSeller('crowd', share(database), { blockMsMax: index % 2 === 0 ? 0 : 10 }),
    );
    const takings = await Promise.all(
      sellers.map(async (seller) => {
        const [taken] = (await once(seller, 'message')) as [Takings];
        return taken;
      }),
    );
    const syncs = database.stats().syncs - syncsBefore;
    const rowIds = takings.flatMap((taken) => taken.rowIds);
    assert.equal(rowIds.length, SEATS);
    assert.equal(new Set(rowIds).size, SEATS);
    assert.equal(table.count([{ field: 'is_booked', eq: 1 }]), SEATS);
    for (const rowId of rowIds) assert.equal(table.seek(rowId)?.version, 2);
    assert.deepEqual(takings.map(({ unseen }) => unseen).flat(), []);

    const [hot] = table.queryIntersect([{ field: 'rank', eq: 9 }]);
    const tokens = takings.flatMap((taken) => taken.tokens);
    assert.equal(table.seek(hot ?? 0)?.row.price, tokens.length);
    for (const taken of takings)
      assert.deepEqual(
        [...taken.tokens],
        taken.tokens.toSorted((a, b) => (a < b ? -1 : 1)),
      );
    const history = table.history(hot ?? 0, { limit: tokens.length }).map(({ fencingToken }) => fencingToken);
    assert.deepEqual(
      history,
      tokens.toSorted((a, b) => (a < b ? 1 : -1)),
    );
    assert.ok(syncs < (SEATS + tokens.length) / 2, `${SEATS + tokens.length} commits took ${syncs} syncs`);
  },
);
