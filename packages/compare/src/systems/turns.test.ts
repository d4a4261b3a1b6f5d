import assert from 'node:assert/strict';
import test from 'node:test';
import { Pool } from './sql/pool.ts';
import { Turns } from './turns.ts';

test('turns are taken one after the other, and each ends once', async () => {
  const turns = new Turns();
  const order: string[] = [];
  const endFirst = await turns.take();
  const second = turns.take().then((end) => {
    order.push('second');
    return end;
  });
  const third = turns.take().then(() => order.push('third'));
  order.push('first');
  endFirst();
  const endSecond = await second;
  endFirst();
  await new Promise(setImmediate);
  assert.deepEqual(order, ['first', 'second']);
  endSecond();
  await third;
  assert.deepEqual(order, ['first', 'second', 'third']);
});

test('connections are lent to one caller at a time, and given back also when work fails', async () => {
  const pool = new Pool(['a', 'b']);
  const a = await pool.borrow();
  const failing = pool.use(async () => {
    throw new Error('no');
  });
  const waiting = pool.use(async (connection) => connection);
  await assert.rejects(failing, /no/);
  assert.notEqual(await waiting, a);
  const lent = await pool.borrow();
  const last = pool.borrow();
  pool.giveBack(a);
  assert.equal(await last, a);
  assert.notEqual(lent, a);
  assert.deepEqual([pool.next, pool.next, pool.next], ['b', 'a', 'b']);
});
