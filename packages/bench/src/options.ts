import { KLaniError } from '@k-lani/protocol';

/** What all benchmarks can be told. */
export interface CommonOptions {
  /** Buyers at the counter at once. */
  readonly workers: number;
  /** Connections that the workers share. */
  readonly connections: number;
  /** `loop`: query, try lock, read again, replace, unlock, as published. `claim`: one command for a group tried. */
  readonly flow: 'loop' | 'claim';
  /** Decides who wants what, and when the server is killed. */
  readonly seed: number;
  /** Kill the server with SIGKILL at a seeded moment between 20 and 80 % sold. */
  readonly kill: boolean;
  /** How often the same storm runs before it counts, on tables of its own. */
  readonly rehearsals: number;
  /** Directory for the raw log, the result, the page and the database. */
  readonly out: string;
  /** `fsync` or `os`. */
  readonly durability: 'fsync' | 'os';
}

/** The most workers, and connections. */
const WORKERS_MAX = 4096;
const REHEARSALS_MAX = 100;
/** The most buyers. */
export const BUYERS_MAX = 10_000_000;
/** The most units for sale, over all groups. */
export const UNITS_MAX = 1_000_000;

/**
 * Checks a whole number of the options.
 *
 * @throws {KLaniError} `InvalidArgument`, with the option, the value and the bounds
 */
export function checkOption(name: string, value: number, min: number, max: number): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  throw new KLaniError('InvalidArgument', `Cannot run benchmark: --${name} is ${value}, must be a whole number, ${min} to ${max}`);
}

/** Checks what all benchmarks can be told. */
export function checkCommonOptions(options: CommonOptions): void {
  checkOption('workers', options.workers, 1, WORKERS_MAX);
  checkOption('connections', options.connections, 1, WORKERS_MAX);
  checkOption('rehearsals', options.rehearsals, 0, REHEARSALS_MAX);
  checkOption('seed', options.seed, 0, 0xffff_ffff);
}

/** The command that runs a benchmark again, wherever its files may go. */
export function commandOf(
  name: string,
  numbers: Readonly<Record<string, number>>,
  options: CommonOptions,
  flags: readonly string[],
): string {
  const words = ['k-lani bench', name, ...Object.entries(numbers).map(([option, value]) => `--${option} ${value}`)];
  words.push(`--workers ${options.workers}`, `--connections ${options.connections}`, `--flow ${options.flow}`, `--seed ${options.seed}`);
  if (options.rehearsals > 0) words.push(`--rehearsals ${options.rehearsals}`);
  if (options.durability !== 'fsync') words.push(`--durability ${options.durability}`);
  return [...words, ...flags, ...(options.kill ? ['--kill'] : [])].join(' ');
}
