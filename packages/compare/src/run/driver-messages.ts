/** What the harness and a driver say to each other. Every order is answered, and the next one is given after that. */
import type { Measurement, Recount, Task } from '../scenarios/scenario.ts';
import type { Place } from '../systems/system.ts';

export type Order =
  | { readonly do: 'open'; readonly system: string; readonly place: Place }
  | { readonly do: 'measure'; readonly scenario: string; readonly task: Task }
  | { readonly do: 'recount'; readonly scenario: string; readonly task: Task; readonly told: unknown }
  | { readonly do: 'close' };

/** The version of the system; what was measured; what was counted; nothing. */
export interface Results {
  readonly open: string;
  readonly measure: Measurement;
  readonly recount: Recount;
  readonly close: undefined;
}

export type Answer = { readonly result: Results[Order['do']] } | { readonly error: string };
