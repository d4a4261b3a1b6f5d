/** Scenarios of embedded systems. Those that systems with a server have too run over one lane, in the process. */
import { EMBEDDED_FOOTPRINT } from './embedded-footprint.ts';
import { EMBEDDED_INSERTS } from './embedded-inserts.ts';
import { EMBEDDED_READS } from './embedded-reads.ts';
import { HOT_ROWS } from './hot-rows.ts';
import { HOT_THREADS } from './hot-threads.ts';
import { SUSTAINED_INSERT } from './inserts.ts';
import { MIXED } from './mixed.ts';
import { READERS_BESIDE_PROCESSES } from './readers.ts';
import type { Scenario } from './scenario.ts';
import { STORMS } from './storms.ts';

export const EMBEDDED: readonly Scenario[] = [
  EMBEDDED_FOOTPRINT,
  inProcess(named(STORMS, 'concert-claim-8'), {
    name: 'embedded-concert-claim',
    title: 'Embedded, concert, one command',
    what: '100,000 buyers, 10,000 seats in 10 ranks, 128 workers in one event loop; every buyer asks',
  }),
  inProcess(named(STORMS, 'holiday-claim'), {
    name: 'embedded-holiday-claim',
    title: 'Embedded, Holiday Rush, one command',
    what: '20 hotels of 50 rooms, 1,000 sessions, 16 workers in one event loop, many times over; seconds of one',
  }),
  inProcess(named(HOT_ROWS, 'hot-claim'), {
    name: 'embedded-hot-claim',
    title: 'Embedded, 32 writers on 16 hot rows in one event loop',
    what: '32 writers that wait for their answers, each a transaction of its own or batched by the application; transactions a second',
  }),
  HOT_THREADS,
  ...EMBEDDED_READS,
  READERS_BESIDE_PROCESSES,
  ...EMBEDDED_INSERTS,
  inProcess(SUSTAINED_INSERT, {
    name: 'embedded-sustained-insert',
    title: 'Embedded, transactions of 1 to 5 rows at 1,000 a second',
    what: '4 writers in one event loop, 5 s; each transaction has its time, and latency counts from there',
  }),
  inProcess(MIXED, {
    name: 'embedded-mixed',
    title: 'Embedded, 95 % reads, 5 % writes, at rising rates',
    what: 'open loop in one event loop; the highest rate whose 99th percentile is within 50 ms',
  }),
];

function inProcess(scenario: Scenario, texts: Pick<Scenario, 'name' | 'title' | 'what'>): Scenario {
  return { ...scenario, ...texts, kinds: ['embedded'], connections: () => [1] };
}

function named(scenarios: readonly Scenario[], name: string): Scenario {
  const found = scenarios.find((scenario) => scenario.name === name);
  if (found === undefined) throw new Error(`Cannot find scenario ${name}`);
  return found;
}
