/**
 * Concert and Holiday Rush as scenarios: the buyers, seeds and workers of `k-lani bench`, against any system.
 *
 * 1. Every buyer asks for what it wants, also where that is known to be sold out.
 * 2. A table for each storm; opening it, and putting the units up for sale, is not measured.
 */
import { histogramOf, latenciesOf, loadUnits, readUnits, recount, StormState, Worker } from '@k-lani/bench';
import type { Goods } from '../systems/goods.ts';
import type { OpenGoods, Session, System } from '../systems/system.ts';
import type { Measurement, Recount, Scenario, SizeName, Task } from './scenario.ts';

/** What tells one storm from another. */
export interface StormPlan {
  readonly name: string;
  readonly title: string;
  readonly what: string;
  readonly flow: 'loop' | 'claim';
  readonly workers: number;
  /** Undefined where each system uses the number of connections that is best for it. */
  readonly connections: number | undefined;
  readonly isRepeated: boolean;
  /** How many buyers come at a size, and for what. */
  stage(size: SizeName, seed: number): { readonly goods: Goods; readonly buyers: number };
}

/** What buyers were told in one storm: rows and buyers, one behind the other. */
interface ToldOfStorm {
  readonly acknowledged: Uint32Array;
  readonly unknown: Uint32Array;
}

/** What one storm came to. */
interface Storm extends ToldOfStorm {
  readonly wallUs: number;
  readonly latenciesUs: readonly (readonly number[])[];
  readonly counts: Readonly<Record<string, number>>;
}

export function stormScenario(plan: StormPlan): Scenario {
  const { name, title, what, flow, isRepeated, connections } = plan;
  return {
    name,
    title,
    what,
    kinds: ['server'],
    use: flow,
    isRepeated,
    isRehearsed: true,
    connections: (system: System) => (connections === undefined ? system.bestConnections : [connections]),
    measure: (session, task) => measure(plan, session, task),
    recount: (session, task, told) => countAll(plan, session, task, told as readonly ToldOfStorm[]),
  };
}

async function measure(plan: StormPlan, session: Session, task: Task): Promise<Measurement> {
  const storms: Storm[] = [];
  const counts: Record<string, number> = {};
  let echoed = 0;
  if (plan.flow === 'claim' && plan.connections === undefined && session.echo !== undefined && !plan.isRepeated) {
    echoed = await session.echo(task.way.connections, plan.workers / task.way.connections, ECHO_REQUESTS[task.size]);
  }
  for (let repeat = 0; repeat < task.repeats; repeat += 1) storms.push(await storm(plan, session, task, repeat));
  for (const one of storms) for (const [key, count] of Object.entries(one.counts)) counts[key] = (counts[key] ?? 0) + count;
  const seconds = storms.reduce((sum, { wallUs }) => sum + wallUs, 0) / 1e6;
  const latencies = latenciesOf(histogramOf(storms.flatMap(({ latenciesUs }) => latenciesUs)));
  return {
    figures: {
      seconds: { value: seconds / task.repeats, unit: 's', better: 'lower' },
      requests: { value: latencies.count / seconds, unit: '1/s', better: 'higher' },
      p50: { value: latencies.p50Us, unit: 'µs', better: 'lower' },
      p99: { value: latencies.p99Us, unit: 'µs', better: 'lower' },
      ...(echoed === 0 ? {} : { echoed: { value: echoed, unit: '1/s', better: 'higher' as const } }),
    },
    counts: { storms: task.repeats, requests: latencies.count, ...counts },
    told: storms.map(({ acknowledged, unknown }): ToldOfStorm => ({ acknowledged, unknown })),
  };
}

/** As many as a concert asks for, or nearly. */
const ECHO_REQUESTS: Readonly<Record<SizeName, number>> = { published: 110_000, trial: 11_000, small: 500 };

async function storm(plan: StormPlan, session: Session, task: Task, repeat: number): Promise<Storm> {
  const { flow, workers } = plan;
  const { goods, buyers } = plan.stage(task.size, task.seed);
  const { connections } = task.way;
  const opened = await session.openGoods(goods, tableName(task, repeat), task.way);
  try {
    const units = await loadUnits(goods.market, opened);
    await opened.settle?.();
    const options = { flow, buyers, workers, connections, everyUser: true, seed: task.seed, kill: false, rehearsals: 0 };
    const state = new StormState({ market: goods.market, options, units, onSale: () => {} });
    await Promise.all(Array.from({ length: workers }, (_, worker) => new Worker(state, tableOf(opened, worker)).serveBuyers()));
    const wallUs = state.meter.nowUs();
    if (state.failures.length > 0) throw new Error(`${state.failures.length} workers failed, the first at ${state.failures[0]}`);
    const { lockConflicts, alreadySold, noTicket, locksLost } = state;
    return {
      wallUs,
      latenciesUs: state.meter.windows().flatMap((window) => [...window.latenciesUs.values()]),
      counts: { sold: state.sales.length, noTicket, lockConflicts, alreadySold, locksLost },
      acknowledged: pairs(state.sales),
      unknown: pairs(state.unknown),
    };
  } finally {
    await opened.close();
  }
}

function tableOf({ tables }: OpenGoods, worker: number): OpenGoods['tables'][number] {
  const table = tables[worker % tables.length];
  if (table === undefined) throw new Error('Cannot serve buyers: the system opened no connection');
  return table;
}

function tableName({ run }: Task, repeat: number): string {
  return `${run}_${repeat}`;
}

function pairs(told: readonly { readonly rowId: number; readonly buyer: number }[]): Uint32Array {
  return Uint32Array.from(told.flatMap(({ rowId, buyer }) => [rowId, buyer]));
}

function unpaired(pairsOf: Uint32Array): { rowId: number; buyer: number }[] {
  return Array.from({ length: pairsOf.length / 2 }, (_, index) => ({ rowId: pairsOf[2 * index] ?? 0, buyer: pairsOf[2 * index + 1] ?? 0 }));
}

async function countAll(plan: StormPlan, session: Session, task: Task, told: readonly ToldOfStorm[]): Promise<Recount> {
  let sum: Recount = { acknowledged: 0, verified: 0, lost: 0, wrong: 0 };
  const { goods } = plan.stage(task.size, task.seed);
  const unitCount = goods.market.groupSizes.reduce((all, size) => all + size, 0);
  for (const [repeat, { acknowledged, unknown }] of told.entries()) {
    const opened = await session.openGoods(goods, tableName(task, repeat), { ...task.way, connections: 1 });
    try {
      const rows = await readUnits(goods.market, opened);
      const stored = rows.map(({ rowId, isBooked, buyer }) => ({ rowId, isBooked: isBooked === 1, buyer }));
      const { verifiedSold, lost, doubleSold } = recount(unpaired(acknowledged), unpaired(unknown), stored);
      sum = {
        acknowledged: sum.acknowledged + acknowledged.length / 2,
        verified: sum.verified + verifiedSold,
        lost: sum.lost + lost,
        wrong: sum.wrong + doubleSold + Math.abs(rows.length - unitCount),
      };
    } finally {
      await opened.close();
    }
  }
  return sum;
}
