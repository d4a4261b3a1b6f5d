import type { Scenario } from './scenario.ts';
import { STORMS } from './storms.ts';

/** In the order in which they run. */
export const SCENARIOS: readonly Scenario[] = [...STORMS];
