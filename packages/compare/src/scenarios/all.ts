import { HOT_ROWS } from './hot-rows.ts';
import { BATCHED_INSERT, SUSTAINED_INSERT } from './inserts.ts';
import { MIXED } from './mixed.ts';
import { READS } from './reads.ts';
import type { Scenario } from './scenario.ts';
import { STORMS } from './storms.ts';

/** In the order in which they run. */
export const SCENARIOS: readonly Scenario[] = [...STORMS, ...HOT_ROWS, ...READS, BATCHED_INSERT, SUSTAINED_INSERT, MIXED];
