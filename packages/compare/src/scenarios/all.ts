import { EMBEDDED } from './embedded.ts';
import { FOOTPRINT } from './footprint.ts';
import { HOT_ROWS } from './hot-rows.ts';
import { BATCHED_INSERT, SUSTAINED_INSERT } from './inserts.ts';
import { MIXED } from './mixed.ts';
import { READS } from './reads.ts';
import type { Scenario } from './scenario.ts';
import { STORMS } from './storms.ts';

/** In the order in which they run: the footprint is weighed before anything else is stored. */
export const SCENARIOS: readonly Scenario[] = [
  FOOTPRINT,
  ...STORMS,
  ...HOT_ROWS,
  ...READS,
  BATCHED_INSERT,
  SUSTAINED_INSERT,
  MIXED,
  ...EMBEDDED,
];
