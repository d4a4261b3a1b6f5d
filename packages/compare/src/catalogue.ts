import { SCENARIOS } from './scenarios/all.ts';
import type { Scenario } from './scenarios/scenario.ts';
import { SYSTEMS } from './systems/all.ts';
import type { System } from './systems/system.ts';

/** What can be compared, and how. Driver processes load it by its file's name. */
export interface Catalogue {
  readonly systems: readonly System[];
  readonly scenarios: readonly Scenario[];
}

export const catalogue: Catalogue = { systems: SYSTEMS, scenarios: SCENARIOS };
export const CATALOGUE_URL = import.meta.url;
