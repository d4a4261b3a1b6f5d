/** What is sold while the server is in trouble: the concert and the Holiday Rush, each in both flows. */
import { CONCERT_GOODS } from '../concert.ts';
import { HOLIDAY_GOODS } from '../holiday.ts';
import type { Market, OpenShop } from '../storm/shop.ts';

/** A storm to put trouble into. */
export interface StormKind {
  readonly bench: 'concert' | 'holiday';
  readonly flow: 'loop' | 'claim';
}

/** All of them, in the order in which they take turns. */
export const STORM_KINDS: readonly StormKind[] = [
  { bench: 'concert', flow: 'claim' },
  { bench: 'holiday', flow: 'loop' },
  { bench: 'concert', flow: 'loop' },
  { bench: 'holiday', flow: 'claim' },
];

const RANKS = 10;
const HOTELS = 20;
/** No room costs more. */
const CEILING = 1000;

/** What can be done with a market and its shop, whatever its rows are. */
export type WithGoods<Result> = <Row, Term>(market: Market<Row, Term>, openShop: OpenShop<Row, Term>) => Result;

/** Does something with `units` seats or rooms. */
export function withGoods<Result>(
  bench: StormKind['bench'],
  { units, seed }: { units: number; seed: number },
  use: WithGoods<Result>,
): Result {
  if (bench === 'concert') return use(CONCERT_GOODS.market(units, Math.min(units, RANKS)), CONCERT_GOODS.openShop);
  const roomsPerHotel = Math.max(1, Math.floor(units / HOTELS));
  return use(HOLIDAY_GOODS.market({ hotels: HOTELS, roomsPerHotel, ceiling: CEILING, seed }), HOLIDAY_GOODS.openShop);
}
