import { SeededRandom } from '@k-lani/base';
import { connect, defineTable, type RowOf, type TermOf } from 'k-lani-client';
import { type BenchEnvironment, type BenchOutcome, runBench } from './bench-run.ts';
import { BUYERS_MAX, checkCommonOptions, checkOption, commandOf, type CommonOptions, UNITS_MAX } from './options.ts';
import { clientShop } from './storm/client-shop.ts';
import { type Market, type Shop, type ShopOptions, tableName, type Unit } from './storm/shop.ts';

/** The rooms of the Holiday Rush. */
export const ROOMS = defineTable({
  table: 'rooms',
  ownerField: 'hotel',
  fields: {
    hotel: { type: 'uint32', index: 'non_unique', label: 'Number of the hotel, from 1' },
    room_no: { type: 'uint32', label: 'Number in its hotel, from 1' },
    price: { type: 'uint32', index: 'ordered', label: 'Price of the stay' },
    is_booked: { type: 'uint32', index: 'non_unique', label: '1 when booked' },
    guest: { type: 'uint32', label: 'The session that has it; 0 is none' },
  },
});

type Room = RowOf<typeof ROOMS>;
type RoomTerm = TermOf<typeof ROOMS>;

/** What `k-lani bench holiday` can be told. */
export interface HolidayOptions extends CommonOptions {
  readonly hotels: number;
  readonly roomsPerHotel: number;
  /** Booking sessions; each wants one room. */
  readonly sessions: number;
  /** The price that no session goes beyond. Rooms cost 100 to 1,000. */
  readonly ceiling: number;
}

/** What decides which rooms there are, and at what price. */
type HolidayPlan = Pick<HolidayOptions, 'hotels' | 'roomsPerHotel' | 'ceiling' | 'seed'>;

/** What holds where nothing is said; the directory is the caller's choice. */
export const HOLIDAY_DEFAULTS: Omit<HolidayOptions, 'out'> = {
  hotels: 20,
  roomsPerHotel: 50,
  sessions: 1000,
  workers: 16,
  connections: 16,
  flow: 'loop',
  ceiling: 1000,
  seed: 1,
  kill: false,
  rehearsals: 0,
  durability: 'fsync',
};

/** Candidates of one window. */
const WINDOW_LIMIT = 32;
const PRICE_MIN = 100;
const PRICE_MAX = 1000;

/**
 * Lets `sessions` guests look for a room below the price ceiling, each in the hotel it wants and then in the others; otherwise as
 * `runConcert()`. A session that meets a room that is booked already asks for a new window.
 *
 * @throws {KLaniError} `InvalidArgument` for options out of their bounds or a directory in use; `Error` when the server does not start
 */
export async function runHoliday(options: HolidayOptions, environment: BenchEnvironment): Promise<BenchOutcome> {
  const { hotels, roomsPerHotel, sessions, ceiling, workers, connections, flow, seed, kill, rehearsals, out, durability } = options;
  checkOption('hotels', hotels, 1, 1000);
  checkOption('rooms-per-hotel', roomsPerHotel, 1, Math.floor(UNITS_MAX / hotels));
  checkOption('sessions', sessions, 1, BUYERS_MAX);
  checkOption('ceiling', ceiling, 0, 0xffff_ffff);
  checkCommonOptions(options);
  const numbers = { hotels, 'rooms-per-hotel': roomsPerHotel, sessions, ceiling };
  return runBench(
    {
      name: 'holiday',
      market: holidayMarket(options),
      storm: { flow, buyers: sessions, workers, connections, everyUser: true, seed, kill, rehearsals },
      out,
      durability,
      command: commandOf('holiday', numbers, options, []),
      openShop,
    },
    environment,
  );
}

/** What the Holiday Rush sells, and how guests reach it. */
export const HOLIDAY_GOODS = { market: holidayMarket, openShop };

function holidayMarket({ hotels, roomsPerHotel, ceiling, seed }: HolidayPlan): Market<Room, RoomTerm> {
  const random = new SeededRandom(seed);
  const prices = Array.from({ length: hotels * roomsPerHotel }, () => PRICE_MIN + random.below(PRICE_MAX - PRICE_MIN + 1));
  const priceOf = ({ group, unit }: Unit): number => prices[(group - 1) * roomsPerHotel + unit - 1] ?? PRICE_MAX;
  return {
    groupSizes: Array.from({ length: hotels }, () => roomsPerHotel),
    unitsWithinTerms: prices.filter((price) => price <= ceiling).length,
    windowLimit: WINDOW_LIMIT,
    candidatesMax: WINDOW_LIMIT,
    requeryWhenStale: true,
    freeRow: (unit) => ({ hotel: unit.group, room_no: unit.unit, price: priceOf(unit), is_booked: 0, guest: 0 }),
    termsOf: (group) => [
      { field: 'hotel', eq: group },
      { field: 'is_booked', eq: 0 },
      { field: 'price', lte: ceiling },
    ],
    soldRow: ({ hotel, room_no, price }, guest) => ({ hotel, room_no, price, is_booked: 1, guest }),
    saleTo: (guest) => ({ is_booked: 1, guest }),
    stateOf: ({ hotel, room_no, is_booked, guest }) => ({ group: hotel, unit: room_no, isBooked: is_booked !== 0, buyer: guest }),
  };
}

async function openShop(address: string, rehearsal: number, options: ShopOptions = {}): Promise<Shop<Room, RoomTerm>> {
  const client = await connect(address, { ...options, name: 'holiday-rush' });
  const table = await client.table({ ...ROOMS, table: tableName(ROOMS.table, rehearsal) });
  return clientShop(client, table, (batch, room) => batch.append(table, room));
}
