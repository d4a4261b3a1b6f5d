/** What many runs came to. */
import { CHECKERS } from '../checkers/all.ts';
import type { Verdict } from './judge.ts';

/** With so many runs, a checker that never checked anything is an error: it would pass whatever happens. */
const RUNS_TO_CHECK_ALL = 100;

export class Summary {
  readonly failed: Verdict[] = [];
  runs = 0;
  operations = 0;
  events = 0;
  #simulatedMs = 0;
  readonly #faults = new Map<string, number>();
  readonly #checks = new Map<string, number>();

  add(verdict: Verdict): void {
    this.runs += 1;
    this.operations += verdict.operations;
    this.events += verdict.counts.events;
    this.#simulatedMs += verdict.counts.simulatedMs;
    addAll(this.#faults, verdict.counts.faults);
    addAll(this.#checks, verdict.checks);
    if (verdict.problems.length > 0) this.failed.push(verdict);
  }

  /** Checkers that had nothing to look at in all the runs. */
  get idleCheckers(): string[] {
    return this.runs < RUNS_TO_CHECK_ALL ? [] : CHECKERS.map(({ name }) => name).filter((name) => (this.#checks.get(name) ?? 0) === 0);
  }

  /** For people. */
  lines(elapsedMs: number): string[] {
    const perSecond = Math.round(this.operations / (elapsedMs / 1000));
    return [
      `${number(this.runs)} runs in ${(elapsedMs / 1000).toFixed(1)} s: ${number(this.operations)} operations of clients, ${number(perSecond)} a second;` +
        ` ${number(this.events)} events, ${number(Math.round(this.#simulatedMs / 1000))} s of simulated time`,
      ...table('crashes and faults', this.#faults),
      ...table('checks', this.#checks),
    ];
  }
}

function addAll(sums: Map<string, number>, more: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(more)) sums.set(name, (sums.get(name) ?? 0) + count);
}

function table(title: string, counts: ReadonlyMap<string, number>): string[] {
  const rows = [...counts].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return [`${title}:`, ...rows.map(([name, count]) => `  ${name.padEnd(24)} ${number(count).padStart(12)}`)];
}

function number(value: number): string {
  return value.toLocaleString('en-US');
}
