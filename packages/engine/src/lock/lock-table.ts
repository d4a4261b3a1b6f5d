/**
 * Locks of rows: granted or refused at once, never queued; in memory only.
 *
 * 1. A row has at most one lock whose lease has not ended.
 * 2. A lock ends when it is given back, when its session ends, or when its lease ends and somebody looks: there is no timer.
 * 3. Fencing tokens rise: epoch · 2^42 + counter; the epoch rises with every opening of the database, the counter with every lock.
 */
import { assert, type Clock } from '@k-lani/base';
import { KLaniError, fencingToken } from '@k-lani/protocol';

/** Low bits of a fencing token that count the locks of one epoch. */
const COUNTER_BITS = 42;
const COUNTER_MAX = 2 ** COUNTER_BITS - 1;

/** Longest lease unless configured otherwise, milliseconds. */
export const LOCK_LEASE_MS_MAX = 300_000;

/** Lease of a lock that asks for none, milliseconds. */
const LOCK_LEASE_MS = 30_000;

/** Most locks that one owner holds at a time. */
export const LOCKS_PER_OWNER_MAX = 65_536;

/** Whoever holds locks: a session of the server, or an embedded user. All its locks end with it. */
export class LockOwner {
  readonly locks = new Set<Lock>();
}

/** One lock that was granted. */
export interface Lock {
  readonly owner: LockOwner;
  readonly tableId: number;
  readonly rowId: number;
  /** The fencing token's low and high 32 bits. */
  readonly tokenLow: number;
  readonly tokenHigh: number;
  /** Monotonic milliseconds at which the lease ends. */
  readonly leaseEndMs: number;
}

export class LockTable {
  readonly #clock: Clock;
  readonly #epoch: number;
  readonly #leaseMsMax: number;
  /** By table id, then by row id. */
  readonly #tables: Map<number, Lock>[] = [];
  #counter = 0;
  #count = 0;

  constructor(options: { clock: Clock; epoch: number; leaseMsMax: number }) {
    this.#clock = options.clock;
    this.#epoch = options.epoch;
    this.#leaseMsMax = options.leaseMsMax;
  }

  /** Locks granted and not ended; ended leases that nobody has looked at are among them. */
  get count(): number {
    return this.#count;
  }

  /**
   * Grants the lock of a row, or returns `undefined` because another lock of it holds (of the same owner, too).
   *
   * @param leaseMs how long it holds; 0 for {@link LOCK_LEASE_MS}
   * @throws {KLaniError} InvalidArgument for a lease out of range, LimitReached for too many locks
   */
  tryAcquire(owner: LockOwner, row: { tableId: number; rowId: number }, leaseMs: number): Lock | undefined {
    const { tableId, rowId } = row;
    if (!(leaseMs >= 0 && leaseMs <= this.#leaseMsMax)) {
      throw new KLaniError('InvalidArgument', `Cannot lock row ${rowId}: lease is ${leaseMs} ms, must be <= ${this.#leaseMsMax}`);
    }
    if (this.find(tableId, rowId) !== undefined) return undefined;
    if (owner.locks.size >= LOCKS_PER_OWNER_MAX) this.#releaseEnded(owner);
    if (owner.locks.size >= LOCKS_PER_OWNER_MAX || this.#counter >= COUNTER_MAX) {
      throw new KLaniError(
        'LimitReached',
        `Cannot lock row ${rowId}: ${owner.locks.size} locks are held, must be < ${LOCKS_PER_OWNER_MAX}`,
      );
    }
    this.#counter += 1;
    const lease = leaseMs === 0 ? Math.min(LOCK_LEASE_MS, this.#leaseMsMax) : leaseMs;
    const lock: Lock = {
      owner,
      tableId,
      rowId,
      tokenLow: this.#counter >>> 0,
      tokenHigh: Math.floor(this.#counter / 2 ** 32) + this.#epoch * 2 ** (COUNTER_BITS - 32),
      leaseEndMs: this.#clock.monotonicMs() + lease,
    };
    this.#rowsOf(tableId).set(rowId, lock);
    owner.locks.add(lock);
    this.#count += 1;
    return lock;
  }

  /** The lock that holds for a row, if one does. */
  find(tableId: number, rowId: number): Lock | undefined {
    const lock = this.#tables[tableId]?.get(rowId);
    if (lock === undefined || lock.leaseEndMs > this.#clock.monotonicMs()) return lock;
    this.release(lock);
    return undefined;
  }

  /** Whether any row of the table may be locked. */
  hasLocks(tableId: number): boolean {
    return (this.#tables[tableId]?.size ?? 0) > 0;
  }

  /**
   * The lock of a row that `owner` holds under this token.
   *
   * @throws {KLaniError} NotLocked when the owner holds no lock of the row, StaleToken when it holds another one
   */
  require(owner: LockOwner, row: { tableId: number; rowId: number }, tokenLow: number, tokenHigh: number): Lock {
    const lock = this.find(row.tableId, row.rowId);
    if (lock === undefined || lock.owner !== owner) {
      throw new KLaniError('NotLocked', `Cannot use the lock of row ${row.rowId}: this session does not hold it`);
    }
    if (lock.tokenLow !== tokenLow || lock.tokenHigh !== tokenHigh) {
      const given = fencingToken(tokenLow, tokenHigh);
      throw new KLaniError(
        'StaleToken',
        `Cannot use the lock of row ${row.rowId}: fencing token is ${given}, must be ${fencingToken(lock.tokenLow, lock.tokenHigh)}`,
      );
    }
    return lock;
  }

  /** Ends a lock; ending it again does nothing. */
  release(lock: Lock): void {
    if (!lock.owner.locks.delete(lock)) return;
    const isPresent = this.#tables[lock.tableId]?.delete(lock.rowId);
    assert(isPresent === true, 'A lock that its owner holds is in the table');
    this.#count -= 1;
  }

  /** Ends every lock of an owner. */
  releaseAll(owner: LockOwner): void {
    for (const lock of owner.locks) this.release(lock);
  }

  /** Milliseconds until the lease of `lock` ends, at least 1. */
  leaseLeftMs(lock: Lock): number {
    return Math.max(1, Math.ceil(lock.leaseEndMs - this.#clock.monotonicMs()));
  }

  /** Ends the locks of an owner whose leases have ended: otherwise that waits until somebody looks at their rows. */
  #releaseEnded(owner: LockOwner): void {
    const nowMs = this.#clock.monotonicMs();
    for (const lock of owner.locks) if (lock.leaseEndMs <= nowMs) this.release(lock);
  }

  #rowsOf(tableId: number): Map<number, Lock> {
    return (this.#tables[tableId] ??= new Map());
  }
}
