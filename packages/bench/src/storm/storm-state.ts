import { assert, SeededRandom } from '@k-lani/base';
import type { Mark, Sale, UnknownSale } from '../report/raw-log.ts';
import { Meter } from './meter.ts';
import type { Market, Unit } from './shop.ts';

/** How the buyers behave, and how many there are. */
export interface StormOptions {
  readonly flow: 'loop' | 'claim';
  /** Buyers, numbered from 1. */
  readonly buyers: number;
  /** Buyers at the counter at once; each waits for one answer at a time. */
  readonly workers: number;
  /** Connections that the workers share. */
  readonly connections: number;
  /** Whether a buyer asks for the group it wants even if its worker knows that it is sold out. */
  readonly everyUser: boolean;
  readonly seed: number;
  /** Whether the server is killed at a seeded moment between 20 and 80 % sold. */
  readonly kill: boolean;
  /** How often the same storm runs before it counts, on tables of its own: a server that has just started compiles while it serves. */
  readonly rehearsals: number;
}

/** What all workers of a storm share: who wants what, what is known to be sold out, and everything that goes into the raw log. */
export class StormState<Row, Term> {
  readonly market: Market<Row, Term>;
  readonly options: StormOptions;
  readonly meter: Meter;
  /** The terms of each group, from 1; made once, because they are asked thousands of times. */
  readonly terms: readonly (readonly Term[])[];
  readonly sales: Sale[] = [];
  readonly unknown: UnknownSale[] = [];
  readonly marks: Mark[] = [];
  readonly failures: string[] = [];
  lockConflicts = 0;
  alreadySold = 0;
  noTicket = 0;
  locksLost = 0;
  reasked = 0;
  /** Set when the server will not come back, to the reason: nobody asks again. */
  stopped: unknown;
  readonly #units: ReadonlyMap<number, Unit>;
  readonly #wanted: Uint32Array;
  readonly #soldOut: Uint8Array;
  readonly #onSale: (sold: number) => void;
  #buyersBegun = 0;

  constructor(setup: {
    readonly market: Market<Row, Term>;
    readonly options: StormOptions;
    /** The unit of each row for sale. */
    readonly units: ReadonlyMap<number, Unit>;
    /** Called after each sale, before anything else happens. */
    readonly onSale: (sold: number) => void;
  }) {
    const { market, options } = setup;
    this.market = market;
    this.options = options;
    this.#units = setup.units;
    this.#onSale = setup.onSale;
    const groups = market.groupSizes.length;
    this.terms = [[], ...market.groupSizes.map((_, index) => market.termsOf(index + 1))];
    this.#soldOut = new Uint8Array(groups + 1);
    this.#wanted = new Uint32Array(options.buyers + 1);
    const random = new SeededRandom(options.seed);
    for (let buyer = 1; buyer <= options.buyers; buyer += 1) this.#wanted[buyer] = 1 + random.below(groups);
    this.meter = new Meter(options.buyers + setup.units.size * 8);
  }

  /** The next buyer, or 0 when all have been at the counter. */
  nextBuyer(): number {
    if (this.#buyersBegun === this.options.buyers) return 0;
    this.#buyersBegun += 1;
    return this.#buyersBegun;
  }

  /** Buyers who were sold to, refused, or will never know. */
  get served(): number {
    return this.sales.length + this.noTicket + this.unknown.length;
  }

  get groupCount(): number {
    return this.market.groupSizes.length;
  }

  /** The group that a buyer wants. */
  wantedBy(buyer: number): number {
    return this.#wanted[buyer] ?? 1;
  }

  isSoldOut(group: number): boolean {
    return this.#soldOut[group] === 1;
  }

  /** Shared with all workers, for good: a unit that is sold stays sold. */
  markSoldOut(group: number): void {
    this.#soldOut[group] = 1;
  }

  /** A buyer was told: the row is yours. */
  sell(timeUs: number, buyer: number, rowId: number): void {
    const unit = this.#units.get(rowId);
    assert(unit !== undefined, `Row ${rowId} was sold, and was never for sale`);
    this.sales.push({ timeUs, buyer, rowId, group: unit.group, unit: unit.unit });
    this.#onSale(this.sales.length);
  }

  /** A buyer will never learn whether the row (0: some row) is his. */
  forgo(buyer: number, rowId: number): void {
    this.unknown.push({ timeUs: this.meter.nowUs(), buyer, rowId });
  }

  mark(what: Mark['what'], inFlight = this.meter.inFlight): void {
    this.marks.push({ timeUs: this.meter.nowUs(), what, sold: this.sales.length, inFlight });
  }
}
