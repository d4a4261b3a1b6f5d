/** The steps that a worker can take: each is one call, or a few that belong together. */
import { type Call, type Row, type SeenRow, type SimChange, type SimLine, type SimTerm } from '../record/call.ts';
import type { Recorder } from '../record/recorder.ts';
import type { Chance } from '../world/chance.ts';
import type { SimProcess } from '../world/sim-process.ts';
import type { Market } from './market.ts';
import type { Asker, Store } from './store.ts';
import { HOTELS, LEVELS, MEMBERS, RANKS, ROOMS, SEATS, SEATS_LATER } from './tables.ts';

/** What a step works with. */
export interface StepContext {
  readonly store: Store;
  readonly asker: Asker;
  readonly process: SimProcess;
  readonly market: Market;
  readonly recorder: Recorder;
  readonly chance: Chance;
}

/** Candidates of one query, and how many of them a buyer tries. */
const WINDOW = 8;
const CANDIDATES_MAX = 3;

/** Leases, milliseconds; work under a lock takes longer now and then. */
const LEASE_MS_MIN = 5;
const LEASE_MS_MAX = 400;
const WORK_MS_MAX = 6;
const LONG_WORK_MS_MAX = 600;

/** From one page of a scan to the next, milliseconds. */
const LINGER_MS_MAX = 1;

/** Members that come or go at once. */
const MANY = 25;

/** Of the last so many writes some are asked again. */
const ASKED_AGAIN_AMONG = 30;

export const STEPS = {
  claimSeat: ({ store, asker, market, chance }: StepContext) => store.claim(asker, [seatLine(market, chance)], market.nextOperationId()),
  /** Two want the same seat at the same moment. */
  claimFavourite: ({ store, asker, market }: StepContext) => {
    const where = [{ field: 'seat_no', eq: market.favourite() }, freeTerm];
    const claim = (): Promise<unknown> => {
      const set = { is_booked: 1, buyer: market.nextBuyer() };
      return store.claim(asker, [{ table: SEATS.table, where, set, count: 1 }], market.nextOperationId());
    };
    return Promise.all([claim(), claim()]);
  },
  claimRoom: ({ store, asker, market, chance }: StepContext) => store.claim(asker, [roomLine(market, chance)], market.nextOperationId()),
  claimOrder: ({ store, asker, market, chance }: StepContext) => {
    const lines = [seatLine(market, chance), roomLine(market, chance)].map((line) => ({ ...line, count: 1 + chance.below(3) }));
    return store.claim(asker, lines, market.nextOperationId());
  },
  buySeatByLock: (context: StepContext) => buyByLock(context, SEATS.table, [freeTerm, { field: 'rank', eq: context.chance.below(RANKS) }]),
  buyRoomByLock: (context: StepContext) => buyByLock(context, ROOMS.table, roomTerms(context.market, context.chance)),
  addMember: ({ store, asker, market }: StepContext) => store.append(asker, MEMBERS.table, market.newMember(), market.nextOperationId()),
  changeMember: async ({ store, asker, market, chance }: StepContext) => {
    const found = await someMember({ store, asker, chance });
    if (found === undefined) return;
    const name = { table: MEMBERS.table, rowId: found.rowId, ifVersion: found.version };
    await store.replace(asker, name, market.newMember(), market.nextOperationId());
  },
  removeMember: async ({ store, asker, market, chance }: StepContext) => {
    const found = await someMember({ store, asker, chance });
    if (found === undefined) return;
    await store.delete(asker, { table: MEMBERS.table, rowId: found.rowId, ifVersion: found.version }, market.nextOperationId());
  },
  changeTogether,
  addMany: ({ store, asker, market }: StepContext) => {
    const changes = Array.from({ length: MANY }, (): SimChange => ({
      kind: 'append',
      table: MEMBERS.table,
      row: { ...market.newMember(), code: null },
    }));
    return store.batch(asker, changes, market.nextOperationId());
  },
  removeMany,
  raiseMember,
  seek: async ({ store, asker, market, chance }: StepContext) => {
    await store.seek(asker, chance.pick(market.unitTables), 1 + chance.below(market.units));
  },
  query: ({ store, asker, market, chance }: StepContext) =>
    chance.happens(0.5)
      ? store.query(asker, SEATS.table, [freeTerm, { field: 'rank', eq: chance.below(RANKS) }], { limit: 0, spread: 0 })
      : store.query(asker, ROOMS.table, roomTerms(market, chance), { limit: 0, spread: 0 }),
  count: ({ store, asker, market, chance }: StepContext) =>
    chance.happens(0.5)
      ? store.count(asker, SEATS.table, [freeTerm])
      : store.count(asker, ROOMS.table, [{ field: 'price', lt: market.ceiling() }]),
  scan: ({ store, asker, process, chance }: StepContext) => {
    const { table } = chance.pick([SEATS, ROOMS, MEMBERS]);
    const linger = (): Promise<void> => process.sleep(chance.between(0, LINGER_MS_MAX));
    const pageRows = 1 + chance.below(5);
    return store.scan(asker, table, chance.happens(0.5) ? { pageRows, linger } : { pageRows });
  },
  history: ({ store, asker, market, chance }: StepContext) =>
    store.history(asker, chance.pick(market.unitTables), 1 + chance.below(market.units)),
  status: ({ store, asker, recorder, chance }: StepContext) => {
    const known = someWrite(recorder, chance);
    return known === undefined ? undefined : store.status(asker, known.request.operationId);
  },
  askAgain,
  alterSeats: ({ store, asker }: StepContext) => store.alter(asker, SEATS_LATER),
  checkpoint: ({ store, asker }: StepContext) => store.checkpoint(asker),
} satisfies Record<string, (context: StepContext) => Promise<unknown> | undefined>;

export type StepName = keyof typeof STEPS;

const freeTerm: SimTerm = { field: 'is_booked', eq: 0 };

function seatLine(market: Market, chance: Chance): SimLine {
  const where = [freeTerm, { field: 'rank', eq: chance.below(RANKS) }];
  return { table: SEATS.table, where, set: { is_booked: 1, buyer: market.nextBuyer() }, count: chance.happens(0.1) ? 2 : 1 };
}

function roomTerms(market: Market, chance: Chance): SimTerm[] {
  return [{ field: 'hotel', eq: chance.below(HOTELS) }, freeTerm, { field: 'price', lte: market.ceiling() }];
}

function roomLine(market: Market, chance: Chance): SimLine {
  return { table: ROOMS.table, where: roomTerms(market, chance), set: { is_booked: 1, buyer: market.nextBuyer() }, count: 1 };
}

/** The published loop: query, lock, read again, replace, unlock. */
async function buyByLock(context: StepContext, table: string, terms: readonly SimTerm[]): Promise<void> {
  const { store, asker, market, chance } = context;
  const buyer = market.nextBuyer();
  const rowIds = await store.query(asker, table, terms, { limit: WINDOW, spread: buyer });
  for (const rowId of rowIds.slice(0, CANDIDATES_MAX)) {
    const lock = await store.lock(asker, table, rowId, Math.floor(chance.between(LEASE_MS_MIN, LEASE_MS_MAX)));
    if (lock === undefined) continue;
    const found = await lock.seek(asker);
    await context.process.sleep(chance.between(0, chance.happens(0.1) ? LONG_WORK_MS_MAX : WORK_MS_MAX));
    if (found === undefined || found.row['is_booked'] === 1) {
      await lock.unlock(asker);
      continue;
    }
    const sold: Row = { ...found.row, is_booked: 1, buyer };
    const unlock = chance.happens(0.5);
    await lock.replace(asker, sold, { unlock, operationId: market.nextOperationId() });
    if (!unlock && chance.happens(0.8)) await lock.unlock(asker);
    return;
  }
}

/** Many members at once go for good. */
async function removeMany({ store, asker, market }: StepContext): Promise<void> {
  const { table } = MEMBERS;
  const rows = await store.scan(asker, table, { pageRows: 2 * MANY });
  const changes = rows.slice(0, 2 * MANY).map(({ rowId, version }): SimChange => ({ kind: 'delete', table, rowId, ifVersion: version }));
  if (changes.length > 0) await store.batch(asker, changes, market.nextOperationId());
}

/** Members that come, change and go in one batch; keys may pass from one to the other. */
async function changeTogether({ store, asker, market, chance }: StepContext): Promise<void> {
  const rows = [...(await store.scan(asker, MEMBERS.table, { pageRows: 5 }))];
  const changes: SimChange[] = [];
  const table = MEMBERS.table;
  const [first, second] = [chance, chance].map(() => rows.splice(chance.below(Math.max(1, rows.length)), 1)[0]);
  if (first !== undefined && second !== undefined && chance.happens(0.5)) {
    // Each gets the other's key: possible only because both change at once.
    for (const [to, from] of [
      [first, second],
      [second, first],
    ] as const) {
      const row = { ...to.row, code: from.row['code'] ?? null };
      changes.push({ kind: 'replace', table, rowId: to.rowId, ifVersion: to.version, row });
    }
  } else if (first !== undefined) {
    changes.push({ kind: 'delete', table, rowId: first.rowId, ifVersion: first.version });
    if (chance.happens(0.5)) changes.push({ kind: 'append', table, row: first.row });
  }
  for (let count = chance.below(3); count > 0; count -= 1) changes.push({ kind: 'append', table, row: market.newMember() });
  if (changes.length > 0) await store.batch(asker, changes, market.nextOperationId());
}

/**
 * The hot row: many raise the points of the same few members, under locks. Some do not look at the row again under the lock, and so do not
 * wait for the change before theirs; some never give the lock back.
 */
async function raiseMember(context: StepContext): Promise<void> {
  const { store, asker, market, chance, process } = context;
  const terms = [{ field: 'level', eq: chance.below(LEVELS) }];
  const [rowId] = await store.query(asker, MEMBERS.table, terms, { limit: 1, spread: 0 });
  if (rowId === undefined) return;
  const found = await store.seek(asker, MEMBERS.table, rowId);
  const lock = await store.lock(asker, MEMBERS.table, rowId, Math.floor(chance.between(LEASE_MS_MIN, LEASE_MS_MAX)));
  if (lock === undefined) return;
  const latest = chance.happens(0.3) ? await lock.seek(asker) : found;
  if (chance.happens(0.1)) await process.sleep(chance.between(0, LONG_WORK_MS_MAX));
  if (latest === undefined) {
    await lock.unlock(asker);
    return;
  }
  const row: Row = { ...latest.row, points: (latest.row['points'] ?? 0) + 1 };
  const unlock = chance.happens(0.8);
  await lock.replace(asker, row, { unlock, operationId: market.nextOperationId() });
  if (!unlock && chance.happens(0.5)) await lock.unlock(asker);
}

async function someMember({ store, asker, chance }: Pick<StepContext, 'store' | 'asker' | 'chance'>): Promise<SeenRow | undefined> {
  const rowIds = await store.query(asker, MEMBERS.table, [{ field: 'level', eq: chance.below(LEVELS) }], { limit: 20, spread: 0 });
  return rowIds.length === 0 ? undefined : store.seek(asker, MEMBERS.table, chance.pick(rowIds));
}

type RepeatableWrite = Extract<Call, { kind: 'append' | 'claim' | 'batch' }>;

function someWrite(recorder: Recorder, chance: Chance): RepeatableWrite | undefined {
  const { calls } = recorder;
  const recent: RepeatableWrite[] = [];
  for (let place = calls.length - 1; place >= 0 && recent.length < ASKED_AGAIN_AMONG; place -= 1) {
    const call = calls[place] as Call;
    if (call.kind === 'append' || call.kind === 'claim' || call.kind === 'batch') recent.push(call);
  }
  return recent.length === 0 ? undefined : chance.pick(recent);
}

/** A write again, as it was: done, refused, or with nobody knowing. */
async function askAgain({ store, asker, recorder, chance }: StepContext): Promise<void> {
  const call = someWrite(recorder, chance);
  if (call?.kind === 'append') await store.append(asker, call.request.table, call.request.row, call.request.operationId);
  else if (call?.kind === 'claim') await store.claim(asker, call.request.lines, call.request.operationId);
  else if (call !== undefined) await store.batch(asker, call.request.changes, call.request.operationId);
}
