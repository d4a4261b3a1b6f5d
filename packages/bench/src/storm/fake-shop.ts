/**
 * A database in memory that the tests of the storm buy from, with the faults that they plant. What was acknowledged survives its "kill",
 * as it must; the faults are what a broken engine would do.
 */
import { KLaniError } from '@k-lani/protocol';
import type { ServerProcess } from './server-process.ts';
import type { Market, Shop, ShopClaim, ShopLock } from './shop.ts';

/** Turns of the loop that a server takes to start. */
const STARTING_TURNS = 5;

export interface FakeRow {
  readonly group: number;
  readonly unit: number;
  readonly isBooked: boolean;
  readonly buyer: number;
}

export interface FakeTerm {
  readonly group: number;
}

/** Each fault happens once, with the sale of this number, from 1. */
export interface Faults {
  /** The row of this sale looks free until it is sold once more. */
  readonly sellTwiceAt?: number;
  /** The sale is acknowledged, and the row is free after the last restart. */
  readonly loseAt?: number;
  /** The outcome of the sale stays unknown; it was written. */
  readonly unknownAt?: number;
  /** The writer fails with this sale, which is not written. */
  readonly failAt?: number;
}

/** What a market of the tests sells: a few groups of units, one term each. */
export function fakeMarket(groupSizes: readonly number[], candidates: Partial<Market<FakeRow, FakeTerm>> = {}): Market<FakeRow, FakeTerm> {
  return {
    groupSizes,
    unitsWithinTerms: groupSizes.reduce((sum, size) => sum + size, 0),
    windowLimit: 8,
    candidatesMax: 4,
    requeryWhenStale: false,
    freeRow: ({ group, unit }) => ({ group, unit, isBooked: false, buyer: 0 }),
    termsOf: (group) => [{ group }],
    soldRow: (row, buyer) => ({ ...row, isBooked: true, buyer }),
    saleTo: (buyer) => ({ isBooked: true, buyer }),
    stateOf: (row) => row,
    ...candidates,
  };
}

/** The server, its rows, and its locks. */
export class FakeServer {
  readonly #rows: FakeRow[] = [];
  readonly #locks = new Map<number, bigint>();
  readonly #faults: Faults;
  #token = 0n;
  #sales = 0;
  #lostRow = 0;
  #seeminglyFree = 0;
  #isDown = true;
  /** How often it was started, and how often killed. */
  starts = 0;
  kills = 0;
  /** Requests by name, as they arrived. */
  readonly asked: Record<string, number> = {};

  constructor(faults: Faults = {}) {
    this.#faults = faults;
  }

  readonly spawn = async (): Promise<ServerProcess> => {
    this.starts += 1;
    for (let turn = 0; turn < STARTING_TURNS; turn += 1) await new Promise(setImmediate);
    this.#isDown = false;
    let end = (_how: string): void => {};
    const ended = new Promise<string>((resolve) => {
      end = resolve;
    });
    const kill = async (): Promise<void> => {
      this.kills += 1;
      this.#isDown = true;
      this.#locks.clear();
      end('was killed');
    };
    return { address: 'tcp://fake', pid: 0, ended, signal: () => {}, kill, stop: async () => end('was stopped') };
  };

  readonly open = async (): Promise<Shop<FakeRow, FakeTerm>> => ({
    table: {
      queryIntersect: async ([term], { limit }) => {
        await this.#arrive('query');
        return this.#free(term).slice(0, limit);
      },
      tryLock: async (rowId) => {
        await this.#arrive('lock');
        if (this.#locks.has(rowId)) return undefined;
        this.#token += 1n;
        this.#locks.set(rowId, this.#token);
        return this.#lock(rowId, this.#token);
      },
      claim: async ({ where: [term], set }) => {
        await this.#arrive('claim');
        const [rowId] = this.#free(term).filter((free) => !this.#locks.has(free));
        if (rowId === undefined) return { outcome: 'none_available' };
        return this.#claimed(this.#write(rowId, { ...this.#rowOf(rowId), ...set }));
      },
    },
    durability: 'fsync',
    serverVersion: '0.0.0',
    appendAll: async (rows) => rows.map((row) => this.#rows.push(row)),
    scan: () => this.#scan(),
    operationStatus: async () => ({ state: 'unknown' }),
    close: async () => {},
  });

  #claimed(rowId: number): ShopClaim {
    return { outcome: 'claimed', lines: [[{ rowId }]] };
  }

  #lock(rowId: number, token: bigint): ShopLock<FakeRow> {
    const mustHold = (): void => {
      if (this.#locks.get(rowId) !== token) throw new KLaniError('StaleToken', 'Cannot write: the lock has ended');
    };
    return {
      seek: async () => {
        await this.#arrive('reread');
        return { row: this.#rowOf(rowId) };
      },
      replace: async (row) => {
        await this.#arrive('replace');
        mustHold();
        return { lsn: this.#write(rowId, row) };
      },
      unlock: async () => {
        await this.#arrive('unlock');
        mustHold();
        this.#locks.delete(rowId);
      },
    };
  }

  /** A request takes a turn of the loop, so that others come in between; none arrives while the server is down. */
  async #arrive(request: string): Promise<void> {
    await new Promise(setImmediate);
    if (this.#isDown) throw new KLaniError('ConnectionLost', 'Cannot reach the server');
    this.asked[request] = (this.asked[request] ?? 0) + 1;
  }

  #write(rowId: number, row: FakeRow): number {
    this.#sales += 1;
    if (this.#sales === this.#faults.failAt) throw new KLaniError('WriterFailed', 'Cannot write: the disk is gone');
    this.#rows[rowId - 1] = row;
    if (this.#sales === this.#faults.sellTwiceAt) this.#seeminglyFree = rowId;
    else if (rowId === this.#seeminglyFree) this.#seeminglyFree = 0;
    if (this.#sales === this.#faults.loseAt) this.#lostRow = rowId;
    if (this.#sales === this.#faults.unknownAt) throw new KLaniError('OutcomeUnknown', 'The connection broke before the answer');
    return rowId;
  }

  #rowOf(rowId: number): FakeRow {
    const row = this.#rows[rowId - 1];
    if (row === undefined) throw new KLaniError('NotFound', `Row ${rowId} is not there`);
    return rowId === this.#seeminglyFree ? { ...row, isBooked: false } : row;
  }

  #free(term: FakeTerm | undefined): number[] {
    const isFree = (row: FakeRow, rowId: number): boolean => row.group === term?.group && (!row.isBooked || rowId === this.#seeminglyFree);
    return this.#rows.flatMap((row, index) => (isFree(row, index + 1) ? [index + 1] : []));
  }

  async *#scan(): AsyncGenerator<{ rowId: number; row: FakeRow }> {
    for (const [index, row] of this.#rows.entries()) {
      const rowId = index + 1;
      yield { rowId, row: rowId === this.#lostRow ? { ...row, isBooked: false, buyer: 0 } : row };
    }
  }
}
