import { connect, defineTable, type RowOf, type TermOf } from 'k-lani-client';
import { type BenchEnvironment, type BenchOutcome, runBench } from './bench-run.ts';
import { BUYERS_MAX, checkCommonOptions, checkOption, commandOf, type CommonOptions, UNITS_MAX } from './options.ts';
import { clientShop } from './storm/client-shop.ts';
import { type Market, type Shop, type ShopOptions, tableName } from './storm/shop.ts';

/** The seats of the concert: the published fields, and who has bought. */
export const SEATS = defineTable({
  table: 'seats',
  fields: {
    rank: { type: 'uint32', index: 'non_unique', label: 'Price category' },
    seat_no: { type: 'uint32', label: 'Number in its rank, from 1' },
    is_booked: { type: 'uint32', index: 'non_unique', label: '1 when sold' },
    buyer: { type: 'uint32', label: 'Who has it; 0 is nobody' },
  },
});

type Seat = RowOf<typeof SEATS>;
type SeatTerm = TermOf<typeof SEATS>;

/** What `k-lani bench concert` can be told. */
export interface ConcertOptions extends CommonOptions {
  readonly users: number;
  readonly seats: number;
  readonly ranks: number;
  /** Each user asks the server at least once, even for a rank that is known to be sold out. */
  readonly everyUser: boolean;
}

/** What holds where nothing is said; the directory is the caller's choice. */
export const CONCERT_DEFAULTS: Omit<ConcertOptions, 'out'> = {
  users: 100_000,
  seats: 10_000,
  ranks: 10,
  workers: 128,
  connections: 128,
  flow: 'loop',
  everyUser: false,
  seed: 1,
  kill: false,
  rehearsals: 0,
  durability: 'fsync',
};

/** Candidates of one query, and how many of them a buyer tries, as published. */
const QUERY_LIMIT = 64;
const CANDIDATES_MAX = 16;

/**
 * Lets `users` buyers storm `seats` seats, kills the server, recounts every row, and writes raw log, result and page.
 *
 * A sale is acknowledged only after the server's answer. Whatever goes wrong with sales, buyers or workers is in the outcome, with exit
 * code 1.
 *
 * @throws {KLaniError} `InvalidArgument` for options out of their bounds or a directory in use; `Error` when the server does not start
 */
export async function runConcert(options: ConcertOptions, environment: BenchEnvironment): Promise<BenchOutcome> {
  const { users, seats, ranks, workers, connections, flow, everyUser, seed, kill, rehearsals, out, durability } = options;
  checkOption('users', users, 1, BUYERS_MAX);
  checkOption('seats', seats, 1, UNITS_MAX);
  checkOption('ranks', ranks, 1, Math.min(seats, 1000));
  checkCommonOptions(options);
  return runBench(
    {
      name: 'concert',
      market: concertMarket(seats, ranks),
      storm: { flow, buyers: users, workers, connections, everyUser, seed, kill, rehearsals },
      out,
      durability,
      command: commandOf('concert', { users, seats, ranks }, options, everyUser ? ['--every-user'] : []),
      openShop,
    },
    environment,
  );
}

/** What the concert sells, and how buyers reach it. */
export const CONCERT_GOODS = { market: concertMarket, openShop };

function concertMarket(seats: number, ranks: number): Market<Seat, SeatTerm> {
  return {
    groupSizes: Array.from({ length: ranks }, (_, index) => Math.floor(seats / ranks) + (index < seats % ranks ? 1 : 0)),
    unitsWithinTerms: seats,
    windowLimit: QUERY_LIMIT,
    candidatesMax: CANDIDATES_MAX,
    requeryWhenStale: false,
    freeRow: ({ group, unit }) => ({ rank: group, seat_no: unit, is_booked: 0, buyer: 0 }),
    termsOf: (group) => [
      { field: 'is_booked', eq: 0 },
      { field: 'rank', eq: group },
    ],
    soldRow: ({ rank, seat_no }, buyer) => ({ rank, seat_no, is_booked: 1, buyer }),
    saleTo: (buyer) => ({ is_booked: 1, buyer }),
    stateOf: ({ rank, seat_no, is_booked, buyer }) => ({ group: rank, unit: seat_no, isBooked: is_booked !== 0, buyer }),
  };
}

async function openShop(address: string, rehearsal: number, options: ShopOptions = {}): Promise<Shop<Seat, SeatTerm>> {
  const client = await connect(address, { ...options, name: 'concert' });
  const table = await client.table({ ...SEATS, table: tableName(SEATS.table, rehearsal) });
  return clientShop(client, table, (batch, seat) => batch.append(table, seat));
}
