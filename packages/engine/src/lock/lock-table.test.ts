import assert from 'node:assert/strict';
import test from 'node:test';
import { SeededRandom } from '@k-lani/base';
import { fencingToken } from '@k-lani/protocol';
import { LOCKS_PER_OWNER_MAX, LockOwner, LockTable, type Lock } from './lock-table.ts';

class ManualClock {
  nowMs = 1000;
  monotonicMs(): number {
    return this.nowMs;
  }
  wallMs(): number {
    return this.nowMs;
  }
}

function lockTable(clock: ManualClock, epoch = 1): LockTable {
  return new LockTable({ clock, epoch, leaseMsMax: 300_000 });
}

const row = { tableId: 1, rowId: 7 };

test('LockTable grants a row once and refuses at once, its own holder too', () => {
  const locks = lockTable(new ManualClock());
  const owner = new LockOwner();
  const lock = locks.tryAcquire(owner, row, 1000);
  assert.ok(lock);
  assert.equal(locks.tryAcquire(new LockOwner(), row, 1000), undefined);
  assert.equal(locks.tryAcquire(owner, row, 1000), undefined);
  locks.release(lock);
  assert.ok(locks.tryAcquire(new LockOwner(), row, 1000));
});

test('LockTable lets a lease end by the clock, and the old holder is told', () => {
  const clock = new ManualClock();
  const locks = lockTable(clock);
  const owner = new LockOwner();
  const lock = locks.tryAcquire(owner, row, 1000);
  assert.ok(lock);
  clock.nowMs += 999;
  assert.equal(locks.tryAcquire(new LockOwner(), row, 1), undefined);
  clock.nowMs += 1;
  assert.throws(() => locks.require(owner, row, lock.tokenLow, lock.tokenHigh), { code: 'NotLocked' });
  const next = locks.tryAcquire(owner, row, 1000);
  assert.ok(next);
  assert.throws(() => locks.require(owner, row, lock.tokenLow, lock.tokenHigh), { code: 'StaleToken' });
  assert.equal(locks.require(owner, row, next.tokenLow, next.tokenHigh), next);
});

test('LockTable ends every lock of an owner with it', () => {
  const locks = lockTable(new ManualClock());
  const owner = new LockOwner();
  for (let rowId = 1; rowId <= 10; rowId += 1) locks.tryAcquire(owner, { tableId: 2, rowId }, 0);
  assert.equal(locks.count, 10);
  locks.releaseAll(owner);
  assert.equal(locks.count, 0);
  assert.equal(owner.locks.size, 0);
});

test('LockTable refuses a lease out of range and one lock too many', () => {
  const locks = lockTable(new ManualClock());
  const owner = new LockOwner();
  assert.throws(() => locks.tryAcquire(owner, row, 300_001), { code: 'InvalidArgument', message: /lease is 300001 ms, must be <= 300000/ });
  for (let rowId = 1; rowId <= LOCKS_PER_OWNER_MAX; rowId += 1) locks.tryAcquire(owner, { tableId: 2, rowId }, 0);
  assert.throws(() => locks.tryAcquire(owner, row, 0), { code: 'LimitReached' });
});

test('LockTable does not count locks whose leases have ended against their owner', () => {
  const clock = new ManualClock();
  const locks = lockTable(clock);
  const owner = new LockOwner();
  for (let rowId = 1; rowId < LOCKS_PER_OWNER_MAX; rowId += 1) locks.tryAcquire(owner, { tableId: 2, rowId }, 1000);
  const held = locks.tryAcquire(owner, { tableId: 3, rowId: 1 }, 1001);
  clock.nowMs += 1000;
  const lock = locks.tryAcquire(owner, row, 1000);
  assert.deepEqual([...owner.locks], [held, lock]);
  assert.equal(locks.count, 2);
});

test('LockTable hands out rising tokens over random use and epochs, and never two locks of one row', () => {
  let last = 0n;
  for (let epoch = 1; epoch <= 5; epoch += 1) {
    const clock = new ManualClock();
    const locks = lockTable(clock, epoch);
    const random = new SeededRandom(epoch);
    const owners = [new LockOwner(), new LockOwner(), new LockOwner()];
    const held = new Map<number, Lock>();
    for (let step = 0; step < 2000; step += 1) {
      clock.nowMs += random.below(5);
      const rowId = 1 + random.below(20);
      const before = held.get(rowId);
      const isHeld = before !== undefined && before.leaseEndMs > clock.nowMs && before.owner.locks.has(before);
      const owner = owners[random.below(3)] ?? new LockOwner();
      const lock = locks.tryAcquire(owner, { tableId: 1, rowId }, 1 + random.below(50));
      assert.equal(lock === undefined, isHeld);
      if (lock !== undefined) {
        const token = fencingToken(lock.tokenLow, lock.tokenHigh);
        assert.ok(token > last);
        last = token;
        held.set(rowId, lock);
      } else if (before !== undefined && random.below(3) === 0) locks.release(before);
    }
  }
});
