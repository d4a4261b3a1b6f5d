/** Hunts for a canary: a process of its own that has it, and runs seed after seed until a checker finds something. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { Canary } from './canaries.ts';

/** Hunts at a time. */
const HUNTS_AT_A_TIME = 2;

/** The longest that one process may take, milliseconds: a fault can make a loop endless. */
const PROCESS_MS_MAX = 300_000;

const ROOT = join(import.meta.dirname, '../../../..');
const PLANT = new URL('./plant.ts', import.meta.url).href;

const HUNTERS: Readonly<Record<Canary['foundBy'], string>> = {
  simulation: fileURLToPath(new URL('./hunter.ts', import.meta.url)),
  compaction: join(ROOT, 'packages/engine/src/embedded/compaction-main.fixture.ts'),
  interleaving: join(ROOT, 'packages/engine/src/snapshot/interleaved-main.fixture.ts'),
};

/** From which seed on, and how many at most. */
export interface Seeds {
  readonly seed: number;
  readonly runs: number;
}

/** What a hunt came to. */
export interface Hunt {
  /** Runs up to the first in which something was found. */
  readonly runs: number;
  /** That run's seed, and what checkers said; `undefined` when nothing was found. */
  readonly seed?: number;
  readonly findings?: readonly { readonly checker: string; readonly what: string }[];
  /** Why the process did not come to its end. */
  readonly failure?: string;
}

/** Runs seeds with a canary, or without one. */
export async function hunt(kind: Canary['foundBy'], seeds: Seeds, canary: Canary | undefined): Promise<Hunt> {
  const planted = canary === undefined ? [] : ['--import', `${PLANT}?${canary.name}`];
  const command = [...planted, HUNTERS[kind], '--seed', String(seeds.seed), '--runs', String(seeds.runs)];
  const child = spawn(process.execPath, command, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'], timeout: PROCESS_MS_MAX });
  const ended = new Promise<string>((resolve) => child.once('close', (code, signal) => resolve(signal ?? `exit code ${code}`)));
  const [output, errors, end] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  if (end === 'exit code 0') return JSON.parse(output) as Hunt;
  return { runs: 0, failure: `${end} ${errors.trim()}`.slice(0, 2000) };
}

/** Carries out `work` for each item, a few at a time, in their order; gives the results in that order. */
export async function inParallel<Item, Result>(items: readonly Item[], work: (item: Item) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  const carryOn = async (): Promise<void> => {
    while (next < items.length) {
      const place = next;
      next += 1;
      results[place] = await work(items[place] as Item);
    }
  };
  await Promise.all(Array.from({ length: HUNTS_AT_A_TIME }, carryOn));
  return results;
}
