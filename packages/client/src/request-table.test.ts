import assert from 'node:assert/strict';
import test from 'node:test';
import { SeededRandom } from '@k-lani/base';
import { RequestTable } from './request-table.ts';
import { Request } from './request.ts';
import { DisconnectCall } from './session-calls.ts';

const SEED = 5;

function newRequest(): Request {
  return new Request(new DisconnectCall(), undefined);
}

test('RequestTable never gives an id twice before 65,536 others of the same place, and forgets what was removed', () => {
  const table = new RequestTable();
  const [first, second] = [newRequest(), newRequest()];
  table.add(first);
  const { id } = first;
  assert.equal(table.get(id), first);
  table.remove(first);
  assert.equal(table.get(id), undefined);
  table.add(second);
  assert.notEqual(second.id, id);
  assert.equal(table.get(id), undefined);
  assert.throws(() => table.remove(first), /not in the table/);
  for (let round = 0; round < 0x1_0000; round += 1) {
    table.remove(second);
    table.add(second);
    assert.ok(second.id >= 0 && second.id <= 0xffff_ffff);
  }
});

test(`RequestTable holds exactly what was added and not removed (seed ${SEED})`, () => {
  const random = new SeededRandom(SEED);
  const table = new RequestTable();
  const model = new Map<number, Request>();
  for (let step = 0; step < 20_000; step += 1) {
    if (random.below(5) < 3 && model.size < 500) {
      const request = newRequest();
      request.sequence = step;
      table.add(request);
      assert.ok(!model.has(request.id));
      model.set(request.id, request);
    } else {
      const request = [...model.values()][random.below(Math.max(1, model.size))];
      if (request === undefined) continue;
      table.remove(request);
      model.delete(request.id);
    }
    assert.equal(table.size, model.size);
  }
  for (const [id, request] of model) assert.equal(table.get(id), request);
  assert.deepEqual(
    table.takeAll().map(({ sequence }) => sequence),
    [...model.values()].map(({ sequence }) => sequence).toSorted((a, b) => a - b),
  );
  assert.equal(table.size, 0);
});
