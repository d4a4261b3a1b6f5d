/** What the workers of a run share, over every life of the database: who buys next, which names were given. */
import type { Row } from '../record/call.ts';
import type { Chance } from '../world/chance.ts';
import { HOTELS, LEVELS, RANKS, ROOMS, SEATS } from './tables.ts';

/** Codes of members are few, so that they meet. */
const CODES = 40;
const POINTS = 100;

/** Prices go from below zero, so that the order of keys shows. */
const PRICE_MIN = -300;
const PRICE_MAX = 700;

/** How many ask for the same unit. */
const ASKED_FOR_ONE = 5;

export class Market {
  readonly units: number;
  readonly chance: Chance;
  /** Whether the units of a table are all there. */
  readonly filled = new Set<string>();
  #buyers = 0;
  #asked = 0;
  #operations = 0;

  constructor(units: number, chance: Chance) {
    this.units = units;
    this.chance = chance;
  }

  nextBuyer(): number {
    this.#buyers += 1;
    return this.#buyers;
  }

  /** The number of the unit that everybody wants now: a few ask for the same one, one after the other. */
  favourite(): number {
    this.#asked += 1;
    return 1 + (Math.floor(this.#asked / ASKED_FOR_ONE) % this.units);
  }

  /** 32 hexadecimal digits that no operation had. */
  nextOperationId(): string {
    this.#operations += 1;
    return this.#operations.toString(16).padStart(8, '0').padStart(32, '5eed');
  }

  /** The units of a table as they are put on sale. */
  unitsOf(table: string): Row[] {
    return Array.from({ length: this.units }, (_, place) =>
      table === SEATS.table
        ? { rank: place % RANKS, seat_no: place + 1, is_booked: 0, buyer: 0 }
        : { hotel: place % HOTELS, room_no: place + 1, price: priceOf(place), is_booked: 0, buyer: 0 },
    );
  }

  newMember(): Row {
    const { chance } = this;
    return {
      code: chance.happens(0.2) ? null : chance.below(CODES) - CODES / 2,
      points: chance.below(POINTS) - POINTS / 2,
      level: chance.below(LEVELS),
    };
  }

  /** A price up to which somebody goes. */
  ceiling(): number {
    return PRICE_MIN + this.chance.below(PRICE_MAX - PRICE_MIN + 1);
  }

  /** The tables that have units. */
  get unitTables(): readonly string[] {
    return [SEATS.table, ROOMS.table];
  }
}

/** Spread over the range of prices without an order. */
function priceOf(place: number): number {
  return PRICE_MIN + ((place * 379) % (PRICE_MAX - PRICE_MIN + 1));
}
