/**
 * A comparison: the systems take turns, scenario by scenario, and everything that happens goes into the raw log at once.
 *
 * | state of a scenario | ends when |
 * | --- | --- |
 * | trial | each way of each system was tried at the trial size, and the best one chosen; a storm is then rehearsed once by that way, at its full size: both sides compile while they work |
 * | rounds | each system was measured once a round, one after the other, and its rows counted right after |
 * | kill | each system that wrote was ended with SIGKILL, started again, and the rows of all rounds counted again |
 *
 * 1. Nothing starts before ports, directory and log are known to be free.
 * 2. A system that fails leaves the scenario, and the comparison if it is not running any more; the others go on.
 * 3. However it ends, no server and no driver is left, and the log says what was seen.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describeCode, describeHost, filesystemOf } from '@k-lani/bench';
import type { Catalogue } from '../catalogue.ts';
import { isExact, type Measurement, type Recount, type Scenario, type SizeName, type Task } from '../scenarios/scenario.ts';
import type { System, Way } from '../systems/system.ts';
import { clientVersions } from './client-versions.ts';
import { Contender } from './contender.ts';
import { dataDirectory, freePorts } from './premises.ts';
import { LOG_FORMAT, RawLogWriter } from './raw-log.ts';

/** What a comparison can be told. */
export interface ComparisonOptions {
  readonly systems: readonly System[];
  readonly scenarios: readonly Scenario[];
  /** 1 to 100. */
  readonly rounds: number;
  /** How often short scenarios run, over all rounds. */
  readonly repeats: number;
  readonly size: Exclude<SizeName, 'trial'>;
  readonly seed: number;
  /** File of the raw log. */
  readonly log: string;
  /** Where the systems keep their data; removed afterwards. */
  readonly directory: string | undefined;
  readonly firstPort: number | undefined;
  /** The command that runs it again. */
  readonly command: string;
}

/** What a comparison needs from whoever runs it. */
export interface ComparisonEnvironment {
  readonly catalogue: Catalogue;
  /** The module that exports it; drivers load it. */
  readonly catalogueUrl: string;
  /** Ends the comparison early. */
  readonly signal: AbortSignal;
  /** What happens now, for people. */
  progress(text: string): void;
  /** What went wrong and what was left out, for people. */
  tell(text: string): void;
}

/** How a comparison ended. */
export interface ComparisonOutcome {
  readonly state: 'complete' | 'interrupted';
  /** What went wrong, one sentence each. */
  readonly failures: readonly string[];
}

/** Trials of a system that has fewer ways: a process that has just started compiles while it works. */
const TRIALS_MIN = 3;

/** One way, and what it came to. */
interface Trial {
  readonly way: Way;
  readonly measurement: Measurement;
}

/** A system in one scenario. */
interface Entry {
  readonly contender: Contender;
  readonly way: Way;
  readonly rounds: { readonly task: Task; readonly told: unknown }[];
}

/**
 * Runs a comparison to its end.
 *
 * @throws {KLaniError} `InvalidArgument` when a port, the directory or the log is in use; nothing was started then
 */
export async function runComparison(options: ComparisonOptions, environment: ComparisonEnvironment): Promise<ComparisonOutcome> {
  const ports = await freePorts(options.systems.length, options.firstPort);
  const directory = dataDirectory(options.directory);
  try {
    using log = new RawLogWriter(options.log);
    const comparison = new Comparison({ options, environment, ports, directory, log });
    return await comparison.run();
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

class Comparison {
  readonly #options: ComparisonOptions;
  readonly #environment: ComparisonEnvironment;
  readonly #ports: readonly number[];
  readonly #directory: string;
  readonly #log: RawLogWriter;
  readonly #contenders: Contender[] = [];
  readonly #failures: string[] = [];
  readonly #startedMs = performance.now();
  readonly #interrupted: Promise<never>;
  /** Resolves when what is done at the moment has come to an end, whatever it is. */
  #begun: Promise<unknown> = Promise.resolve();

  constructor(setup: {
    options: ComparisonOptions;
    environment: ComparisonEnvironment;
    ports: readonly number[];
    directory: string;
    log: RawLogWriter;
  }) {
    this.#options = setup.options;
    this.#environment = setup.environment;
    this.#ports = setup.ports;
    this.#directory = setup.directory;
    this.#log = setup.log;
    const { signal } = setup.environment;
    this.#interrupted = new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
    this.#interrupted.catch(() => {});
  }

  async run(): Promise<ComparisonOutcome> {
    this.#writeRun();
    const state = await this.#runAll();
    this.#environment.progress('stopping');
    await this.#stopAll(state === 'complete');
    const seconds = (performance.now() - this.#startedMs) / 1000;
    this.#log.write('end', { finishedAt: new Date().toISOString(), seconds, state });
    return { state, failures: this.#failures };
  }

  async #runAll(): Promise<ComparisonOutcome['state']> {
    const { systems, scenarios } = this.#options;
    try {
      for (const [index, system] of systems.entries()) await this.#enter(system, this.#ports[index] ?? 0);
      for (const [index, scenario] of scenarios.entries())
        await this.#runScenario(scenario, `${index + 1}/${scenarios.length} ${scenario.name}`);
      return 'complete';
    } catch (error) {
      if (!this.#environment.signal.aborted) throw error;
      return 'interrupted';
    } finally {
      if (this.#environment.signal.aborted) await this.#stopAll(false);
    }
  }

  async #enter(system: System, port: number): Promise<void> {
    const missing = system.missing();
    if (missing !== undefined) {
      this.#log.write('skipped', { system: system.name, missing: missing.what, install: missing.install });
      this.#environment.tell(`${system.title} is left out: there is no ${missing.what}; ${missing.install}`);
      return;
    }
    this.#environment.progress(`starting ${system.title}`);
    const site = { directory: join(this.#directory, system.name), port };
    try {
      const contender = await this.#whileWanted(this.#start(system, site));
      const { name, title, kind, durability, isolation, configuration } = system;
      this.#log.write('system', { name, title, kind, version: contender.version, durability, isolation, configuration });
    } catch (error) {
      this.#fail({ system: system.name, scenario: undefined, round: undefined }, error);
    }
  }

  /** One that starts after all has ended takes part all the same, so that it is ended too. */
  async #start(system: System, site: { readonly directory: string; readonly port: number }): Promise<Contender> {
    const contender = await Contender.start(this.#environment.catalogueUrl, system, site);
    this.#contenders.push(contender);
    return contender;
  }

  async #runScenario(scenario: Scenario, where: string): Promise<void> {
    const { name, title, what, kinds } = scenario;
    const { rounds } = this.#options;
    const contenders = this.#contenders.filter(({ system }) => kinds.includes(system.kind) && system.ways(scenario.use).length > 0);
    if (contenders.length === 0) return;
    this.#log.write('scenario', { name, title, what, kinds });
    let entries: Entry[] = [];
    for (const contender of contenders) {
      this.#environment.progress(`${where} · trial · ${contender.system.name}`);
      const way = await this.#attempt(contender, scenario, undefined, () => this.#choose(contender, scenario));
      if (way !== undefined) entries.push({ contender, way, rounds: [] });
    }
    for (let round = 1; round <= rounds; round += 1) {
      const left: Entry[] = [];
      for (const entry of entries) {
        this.#environment.progress(`${where} · round ${round}/${rounds} · ${entry.contender.system.name}`);
        const isDone = await this.#attempt(entry.contender, scenario, round, () => this.#runRound(entry, scenario, round));
        if (isDone === true) left.push(entry);
      }
      entries = left;
    }
    for (const entry of entries) {
      if (scenario.recount === undefined) continue;
      this.#environment.progress(`${where} · kill · ${entry.contender.system.name}`);
      await this.#attempt(entry.contender, scenario, undefined, () => this.#killAndRecount(entry, scenario));
    }
  }

  /**
   * Tries every name of a way with the number of connections in the middle, and then the best name with the others; gives the best
   * way. What is weighed holds the data of one way alone: the first, which nobody tries.
   */
  async #choose(contender: Contender, scenario: Scenario): Promise<Way> {
    const { system } = contender;
    const numbers = scenario.connections(system);
    const middle = numbers[numbers.length >> 1] ?? 1;
    const [first = '', ...others] = system.ways(scenario.use);
    if (scenario.isWeighed === true) return { name: first, connections: middle };
    const trials: Trial[] = [];
    const attempt = async (way: Way): Promise<void> => void trials.push(await this.#try(contender, scenario, way, trials.length));
    for (const name of [first, ...others]) await attempt({ name, connections: middle });
    const { name } = bestOf(trials);
    for (const connections of numbers) if (connections !== middle) await attempt({ name, connections });
    const trialsMin = this.#options.size === 'small' ? 0 : TRIALS_MIN;
    while (trials.length < trialsMin) await attempt(bestOf(trials));
    const way = bestOf(trials);
    if (scenario.isRehearsed === true && this.#options.size !== 'small')
      await this.#try(contender, scenario, way, trials.length, this.#options.size);
    this.#log.write('chosen', { scenario: scenario.name, system: system.name, way });
    return way;
  }

  async #try(
    contender: Contender,
    scenario: Scenario,
    way: Way,
    number: number,
    size: SizeName = this.#options.size === 'small' ? 'small' : 'trial',
  ): Promise<Trial> {
    const task = { run: runName(scenario, 't', number), size, seed: this.#options.seed, way, repeats: 1 } as const;
    const measurement = await contender.measure(scenario, task);
    this.#log.write('trial', { scenario: scenario.name, system: contender.system.name, way, figures: measurement.figures });
    return { way, measurement };
  }

  /** Returns true, or throws. */
  async #runRound({ contender, way, rounds }: Entry, scenario: Scenario, round: number): Promise<true> {
    const { size, seed } = this.#options;
    const repeats = scenario.isRepeated ? Math.ceil(this.#options.repeats / this.#options.rounds) : 1;
    const task = { run: runName(scenario, 'r', round), size, seed, way, repeats };
    const { figures, counts, told } =
      scenario.isWeighed === true ? await weighed(contender, scenario, task) : await contender.measure(scenario, task);
    const recount = scenario.recount === undefined ? undefined : await contender.recount(scenario, task, told);
    this.#log.write('measured', { scenario: scenario.name, system: contender.system.name, round, way, figures, counts, recount });
    rounds.push({ task, told });
    if (recount !== undefined) expectExact(recount, 'after the storm');
    return true;
  }

  async #killAndRecount({ contender, rounds }: Entry, scenario: Scenario): Promise<void> {
    const startMs = await contender.killAndRestart();
    let sum: Recount = { acknowledged: 0, verified: 0, lost: 0, wrong: 0 };
    for (const { task, told } of rounds) {
      const { acknowledged, verified, lost, wrong } = await contender.recount(scenario, task, told);
      sum = {
        acknowledged: sum.acknowledged + acknowledged,
        verified: sum.verified + verified,
        lost: sum.lost + lost,
        wrong: sum.wrong + wrong,
      };
    }
    this.#log.write('killed', { scenario: scenario.name, system: contender.system.name, startMs, recount: sum });
    expectExact(sum, 'after the kill');
  }

  /** Undefined when it failed; then that is noted, and a system that does not run any more is given up. */
  async #attempt<Result>(
    contender: Contender,
    scenario: Scenario,
    round: number | undefined,
    work: () => Promise<Result>,
  ): Promise<Result | undefined> {
    if (!this.#contenders.includes(contender)) return undefined;
    try {
      return await this.#whileWanted(work());
    } catch (error) {
      this.#fail({ system: contender.system.name, scenario: scenario.name, round }, error);
      if (!contender.isThere) {
        this.#contenders.splice(this.#contenders.indexOf(contender), 1);
        await contender.kill();
      }
      return undefined;
    }
  }

  #whileWanted<Result>(work: Promise<Result>): Promise<Result> {
    this.#begun = Promise.allSettled([work]);
    return Promise.race([work, this.#interrupted]);
  }

  /** @throws what it is given, when the comparison was interrupted: it did not fail then */
  #fail(
    where: { readonly system: string; readonly scenario: string | undefined; readonly round: number | undefined },
    error: unknown,
  ): void {
    if (this.#environment.signal.aborted) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    this.#log.write('failed', { ...where, reason });
    const text = `${where.system}${where.scenario === undefined ? '' : ` in ${where.scenario}`}: ${reason}`;
    this.#failures.push(text);
    this.#environment.tell(text);
  }

  async #stopAll(isOrderly: boolean): Promise<void> {
    await this.#endAll((contender) => (isOrderly ? contender.stop() : contender.kill()));
    // What was begun before it was interrupted may have started something after that was killed.
    await this.#begun;
    await this.#endAll((contender) => contender.kill());
    this.#contenders.length = 0;
  }

  async #endAll(end: (contender: Contender) => Promise<void>): Promise<void> {
    await Promise.allSettled(this.#contenders.map(end));
  }

  #writeRun(): void {
    const { command, size, rounds, repeats, seed, systems, scenarios } = this.#options;
    this.#log.write('run', {
      format: LOG_FORMAT,
      startedAt: new Date().toISOString(),
      command,
      size,
      rounds,
      repeats,
      seed,
      systems: systems.map(({ name }) => name),
      scenarios: scenarios.map(({ name }) => name),
      host: describeHost(),
      node: process.version,
      filesystem: filesystemOf(this.#directory),
      code: describeCode([join(import.meta.dirname, '../..')]),
      clients: clientVersions(),
    });
  }
}

/** Measures, starts anew, measures again and weighs; the weights are the first figures. */
async function weighed(contender: Contender, scenario: Scenario, task: Task): Promise<Measurement> {
  await contender.measure(scenario, task);
  const startMs = await contender.stopAndRestart();
  const { figures, counts, told } = await contender.measure(scenario, task);
  return { figures: { ...contender.weigh(startMs), ...figures }, counts, told };
}

/** Names of tables: letters, digits and underscores. */
function runName({ name }: Scenario, kind: 't' | 'r', number: number): string {
  return `${name.replaceAll('-', '_')}_${kind}${number}`;
}

function bestOf(trials: readonly Trial[]): Way {
  const [best] = trials.toSorted((a, b) => compareMeasurements(a.measurement, b.measurement));
  if (best === undefined) throw new Error('Cannot choose a way: the system has none');
  return best.way;
}

/** Negative when `a` is better, by the first figure of both. */
function compareMeasurements(a: Measurement, b: Measurement): number {
  const [[name, figure] = []] = Object.entries(a.figures);
  const other = b.figures[name ?? ''];
  if (figure === undefined || other === undefined) throw new Error('Cannot compare measurements: they have no figure in common');
  return figure.better === 'lower' ? figure.value - other.value : other.value - figure.value;
}

function expectExact(recount: Recount, when: string): void {
  if (isExact(recount)) return;
  const { acknowledged, verified, lost, wrong } = recount;
  throw new Error(`the recount ${when} found ${verified} of ${acknowledged} acknowledged, ${lost} lost, ${wrong} wrong`);
}
