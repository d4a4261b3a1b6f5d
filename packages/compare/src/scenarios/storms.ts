import { concertGoods, holidayGoods } from '../systems/goods.ts';
import type { Scenario, SizeName } from './scenario.ts';
import { stormScenario, type StormPlan } from './storm.ts';

const CONCERT: Readonly<Record<SizeName, { readonly buyers: number; readonly seats: number }>> = {
  published: { buyers: 100_000, seats: 10_000 },
  trial: { buyers: 10_000, seats: 1000 },
  small: { buyers: 300, seats: 60 },
};

const HOLIDAY: Readonly<Record<SizeName, { readonly hotels: number; readonly rooms: number; readonly sessions: number }>> = {
  published: { hotels: 20, rooms: 50, sessions: 1000 },
  trial: { hotels: 20, rooms: 50, sessions: 1000 },
  small: { hotels: 4, rooms: 5, sessions: 30 },
};

const FLOWS = { loop: 'query, try lock, read again, write, unlock', claim: 'one command' } as const;

function concert(flow: StormPlan['flow'], connections: number | undefined): Scenario {
  return stormScenario({
    name: `concert-${flow}-${connections ?? 8}`,
    title: `Concert, ${FLOWS[flow]}, ${connections ?? '8 or the best number of'} connections`,
    what: '100,000 buyers, 10,000 seats in 10 ranks, 128 workers; every buyer asks',
    flow,
    workers: 128,
    connections,
    isRepeated: false,
    stage: (size, _seed) => ({ goods: concertGoods(CONCERT[size].seats), buyers: CONCERT[size].buyers }),
  });
}

function holiday(flow: StormPlan['flow'], workers: number, connections: number | undefined): Scenario {
  return stormScenario({
    name: `holiday-${flow}${connections === undefined ? '' : `-${connections}`}`,
    title: `Holiday Rush, ${FLOWS[flow]}, ${connections ?? '8 or the best number of'} connections`,
    what: `20 hotels of 50 rooms, 1,000 sessions, ${workers} workers, many times over; seconds of one`,
    flow,
    workers,
    connections,
    isRepeated: true,
    stage: (size, seed) => ({ goods: holidayGoods(HOLIDAY[size].hotels, HOLIDAY[size].rooms, seed), buyers: HOLIDAY[size].sessions }),
  });
}

export const STORMS: readonly Scenario[] = [
  concert('loop', undefined),
  concert('loop', 128),
  concert('claim', undefined),
  concert('claim', 128),
  holiday('loop', 16, undefined),
  holiday('loop', 128, 128),
  holiday('claim', 16, undefined),
  holiday('claim', 128, 128),
];
