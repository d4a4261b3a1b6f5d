/**
 * A system that takes part: its server, if it has one, and its driver.
 *
 * | state | ends when |
 * | --- | --- |
 * | running | it is killed, or stopped for good |
 * | killed | it runs again, on the same directory and port |
 */
import { mkdirSync } from 'node:fs';
import type { Figure, Measurement, Recount, Scenario, Task } from '../scenarios/scenario.ts';
import type { Place, System } from '../systems/system.ts';
import { Driver } from './driver.ts';
import { residentBytes } from './processes.ts';
import { Server } from './server.ts';
import { allocatedBytes, installedBytes } from './weighing.ts';

const HOST = '127.0.0.1';
const MIB = 1024 * 1024;

export class Contender {
  readonly system: System;
  readonly place: Place;
  readonly #catalogueUrl: string;
  readonly #server: Server | undefined;
  #driver: Driver;

  private constructor(setup: { system: System; place: Place; catalogueUrl: string; server: Server | undefined; driver: Driver }) {
    this.system = setup.system;
    this.place = setup.place;
    this.#catalogueUrl = setup.catalogueUrl;
    this.#server = setup.server;
    this.#driver = setup.driver;
  }

  /** Makes its data directory and starts it. @throws Error when it does not start; nothing of it is left running then */
  static async start(catalogueUrl: string, system: System, site: { directory: string; port: number }): Promise<Contender> {
    const place = { ...site, host: HOST };
    let server: Server | undefined;
    mkdirSync(site.directory, { recursive: true });
    try {
      if (system.server !== undefined) {
        server = await Server.prepare(system.server, site);
        await server.start();
      }
      const driver = await Driver.open(catalogueUrl, system.name, place);
      return new Contender({ system, place, catalogueUrl, server, driver });
    } catch (error) {
      await server?.kill();
      throw error;
    }
  }

  /** As the system says it. */
  get version(): string {
    return this.#driver.version;
  }

  /** Processes that the system is made of: its server's, or its driver. */
  get pids(): readonly number[] {
    return this.#server?.pids ?? [this.#driver.pid];
  }

  /** False when its server or driver has ended by itself. */
  get isThere(): boolean {
    return this.#driver.isThere && this.pids.length > 0;
  }

  measure(scenario: Scenario, task: Task): Promise<Measurement> {
    return this.#driver.carryOut({ do: 'measure', scenario: scenario.name, task });
  }

  recount(scenario: Scenario, task: Task, told: unknown): Promise<Recount> {
    return this.#driver.carryOut({ do: 'recount', scenario: scenario.name, task, told });
  }

  /** Ends it with SIGKILL and starts it again; gives the milliseconds until it answered. */
  async killAndRestart(): Promise<number> {
    await (this.#server ?? this.#driver).kill();
    return this.#startAgain();
  }

  /** Weighs it as it is now; `startMs` is what its start took. */
  weigh(startMs: number): Readonly<Record<string, Figure>> {
    const { pids, place, system } = this;
    const bytes = (value: number): Figure => ({ value: value / MIB, unit: 'MiB', better: 'lower' });
    return {
      memory: bytes(pids.reduce((sum, pid) => sum + residentBytes(pid), 0)),
      start: { value: startMs, unit: 'ms', better: 'lower' },
      disk: bytes(allocatedBytes(place.directory)),
      installed: bytes(installedBytes(system.packages)),
    };
  }

  /** Lets it finish and starts it again; gives the milliseconds until it answered. */
  async stopAndRestart(): Promise<number> {
    await (this.#server === undefined ? this.#driver.close() : this.#server.stop());
    return this.#startAgain();
  }

  /** Ends it for good. */
  async stop(): Promise<void> {
    try {
      await this.#driver.close();
    } finally {
      await this.#server?.stop();
    }
  }

  /** Ends it for good, at once; nothing happens when it has ended. */
  async kill(): Promise<void> {
    await Promise.all([this.#driver.kill(), this.#server?.kill()]);
  }

  /** A server has started when it answers, and its driver stays; an embedded system has when a new driver has opened it. */
  async #startAgain(): Promise<number> {
    if (this.#server !== undefined) return this.#server.start();
    const startedMs = performance.now();
    this.#driver = await Driver.open(this.#catalogueUrl, this.system.name, this.place);
    return performance.now() - startedMs;
  }
}
