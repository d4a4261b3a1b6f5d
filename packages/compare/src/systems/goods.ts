import { CONCERT_GOODS, HOLIDAY_GOODS, type Market } from '@k-lani/bench';
import { assert } from '@k-lani/base';

/** A unit for sale as a row: whole numbers by the names of its fields. */
export type UnitRow = Readonly<Record<string, number>>;

/** What a buyer asks of a unit, as `TermOf` of the client. */
export interface UnitTerm {
  readonly field: string;
  readonly eq?: number;
  readonly lte?: number;
}

/** The names of a unit's fields. */
export interface UnitFields {
  readonly group: string;
  readonly unit: string;
  readonly buyer: string;
  readonly booked: 'is_booked';
  /** Only where buyers have a ceiling. */
  readonly price: string | undefined;
}

/** What is for sale: the seats of the concert, or the rooms of the Holiday Rush. */
export interface Goods {
  readonly name: 'concert' | 'holiday';
  readonly fields: UnitFields;
  readonly market: Market<UnitRow, UnitTerm>;
}

/** What a buyer wants. */
export interface Demand {
  readonly group: number;
  readonly ceiling: number | undefined;
}

/** The seats of the concert, in ten ranks. */
export function concertGoods(seats: number): Goods {
  return {
    name: 'concert',
    fields: { group: 'rank', unit: 'seat_no', buyer: 'buyer', booked: 'is_booked', price: undefined },
    market: CONCERT_GOODS.market(seats, Math.min(10, seats)),
  };
}

/** The rooms of the Holiday Rush, below a price that is as high as any. */
export function holidayGoods(hotels: number, roomsPerHotel: number, seed: number): Goods {
  return {
    name: 'holiday',
    fields: { group: 'hotel', unit: 'room_no', buyer: 'guest', booked: 'is_booked', price: 'price' },
    market: HOLIDAY_GOODS.market({ hotels, roomsPerHotel, ceiling: 1000, seed }),
  };
}

/** All fields of a row, in one order. */
export function fieldNames({ group, unit, price, booked, buyer }: UnitFields): readonly string[] {
  return [group, unit, ...(price === undefined ? [] : [price]), booked, buyer];
}

/** What the terms of a market ask for. */
export function demandOf(fields: UnitFields, terms: readonly UnitTerm[]): Demand {
  const group = terms.find(({ field }) => field === fields.group)?.eq;
  assert(group !== undefined, `Terms name no ${fields.group}`);
  return { group, ceiling: terms.find(({ field }) => field === fields.price)?.lte };
}
