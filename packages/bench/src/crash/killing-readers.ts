/**
 * Kills processes that read beside the server, again and again, while a client writes and buyers buy.
 *
 * 1. No reader sees what never was: a count that is not that of its version, rows without their index, versions that go back.
 * 2. A kill holds up no write for long, wherever in a read it comes.
 * 3. In the end the server has no more shared memory open than it made itself.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { SeededRandom } from '@k-lani/base';
import type { KillableServer } from '../storm/killable-server.ts';
import { Churn } from './churn.ts';
import { Probe } from './probe.ts';
import type { Trouble, TroubleLog } from './trouble.ts';

/** The program of a reader, in the form in which this package is installed. */
const PROGRAM = fileURLToPath(import.meta.resolve('#crash-reader'));

/** Readers that live at a time. */
const READERS = 3;
/** Longest life of a reader once it reads, milliseconds. */
const LIFE_MS_MAX = 60;
/** How long a write may take, on a machine that starts processes all the time, milliseconds. */
const WRITE_MS_MAX = 2000;
/** Pieces of memory that a server makes: two sides, and the words that control them. */
const MEMORIES = 3;

/** What a killer of readers is told. */
export interface ReaderKillingPlan {
  readonly kills: number;
  readonly directory: string;
  readonly random: SeededRandom;
}

export class KillingReaders<Row, Term> implements Trouble<Row, Term> {
  readonly #plan: ReaderKillingPlan;
  readonly #log: TroubleLog;
  #begun = 0;

  constructor(plan: ReaderKillingPlan, log: TroubleLog) {
    this.#plan = plan;
    this.#log = log;
  }

  async during(server: KillableServer): Promise<void> {
    const churn = await Churn.start(server.address, this.#log);
    await using probe = await Probe.open(server.address);
    await Promise.all(Array.from({ length: READERS }, () => this.#killReaders(probe)));
    await churn.end();
    const open = memoriesOf(Number.parseInt(readFileSync(join(this.#plan.directory, 'lock'), 'latin1'), 10));
    this.#log.expect(open === MEMORIES, `The server has ${open} pieces of shared memory open, must be ${MEMORIES}`);
  }

  async #killReaders(probe: Probe): Promise<void> {
    const { kills, random, directory } = this.#plan;
    while (this.#begun < kills) {
      this.#begun += 1;
      const reader = spawn(process.execPath, [PROGRAM, directory], { stdio: ['ignore', 'pipe', 'inherit'] });
      const said = await this.#lifeOf(reader, random.below(LIFE_MS_MAX));
      this.#log.kills += 1;
      this.#log.expect(said === 'reads\n', `A reader said ${JSON.stringify(said)}`);
      const beginMs = performance.now();
      await probe.append();
      const writeMs = performance.now() - beginMs;
      this.#log.expect(
        writeMs <= WRITE_MS_MAX,
        `A write took ${Math.round(writeMs)} ms after a reader was killed, must be <= ${WRITE_MS_MAX}`,
      );
    }
  }

  /** Kills a reader so long after it has begun to read. Returns what it said. */
  async #lifeOf(reader: ChildProcess, lifeMs: number): Promise<string> {
    let said = '';
    reader.stdout?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    const ended = once(reader, 'close');
    if (reader.stdout !== null) await Promise.race([once(reader.stdout, 'data'), ended]);
    await delay(lifeMs);
    reader.kill('SIGKILL');
    await ended;
    return said;
  }
}

/** How many descriptors of a process lead to shared memory of k-lani. */
function memoriesOf(processId: number): number {
  const directory = `/proc/${processId}/fd`;
  return readdirSync(directory).filter((name) => linkOf(join(directory, name)).startsWith('/memfd:k-lani:')).length;
}

/** Where a descriptor leads; one that is closed meanwhile, nowhere. */
function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
