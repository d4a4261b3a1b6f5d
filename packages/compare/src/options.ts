/** The command line of `npm run bench:compare`. */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { KLaniError } from '@k-lani/protocol';
import type { Catalogue } from './catalogue.ts';
import type { ComparisonOptions } from './run/comparison.ts';

export const USAGE = `npm run bench:compare -- [options]

  --systems LIST     those to compare, by commas; all unless given
  --scenarios LIST   what to measure, by commas; all unless given
  --rounds N         1 to 100; 3 unless given
  --repeats N        runs of each Holiday Rush, over all rounds, 1 to 10,000; 100 unless given
  --small            small sizes, to see that it works; 1 round and 1 repeat unless given
  --seed N           decides who wants what, 0 to 4,294,967,295; 1 unless given
  --log FILE         raw log, must not be there yet; compare-TIME.ndjson unless given
  --data DIR         where the systems keep their data, empty or not there; removed afterwards; a temporary directory unless given
  --first-port N     first of as many ports as there are systems; any free ones unless given
  --write DIR        afterwards, keep the raw log and the tables in DIR as compare.ndjson and compare.md
  --tables FILE      run nothing: print the tables of a raw log, and keep them with --write
  --list             print the systems and scenarios
  --help
`;

/** What the command line asks for. */
export type Request =
  | { readonly kind: 'help' }
  | { readonly kind: 'list' }
  | { readonly kind: 'tables'; readonly log: string; readonly write: string | undefined }
  | { readonly kind: 'run'; readonly options: ComparisonOptions; readonly write: string | undefined };

const ROUNDS_MAX = 100;
const REPEATS_MAX = 10_000;
const SEED_MAX = 0xffff_ffff;
const PORT_MAX = 65_535;

/**
 * Reads a command line.
 *
 * @param nowMs names the log where nobody does
 * @throws {KLaniError} `InvalidArgument`, with the option, its value and what it must be
 */
export function readOptions(words: readonly string[], catalogue: Catalogue, nowMs: number): Request {
  const values = parse(words);
  if (values.help === true) return { kind: 'help' };
  if (values.list === true) return { kind: 'list' };
  if (values.tables !== undefined) return { kind: 'tables', log: values.tables, write: values.write };
  const isSmall = values.small === true;
  const log = values.log ?? join('.', `compare-${new Date(nowMs).toISOString().replaceAll(/[:.]/g, '-')}.ndjson`);
  return {
    kind: 'run',
    write: values.write,
    options: {
      systems: pick('systems', values.systems, catalogue.systems),
      scenarios: pick('scenarios', values.scenarios, catalogue.scenarios),
      rounds: wholeNumber('rounds', values.rounds, 1, ROUNDS_MAX) ?? (isSmall ? 1 : 3),
      repeats: wholeNumber('repeats', values.repeats, 1, REPEATS_MAX) ?? (isSmall ? 1 : 100),
      size: isSmall ? 'small' : 'published',
      seed: wholeNumber('seed', values.seed, 0, SEED_MAX) ?? 1,
      log,
      directory: values.data,
      firstPort: wholeNumber('first-port', values['first-port'], 1, PORT_MAX),
      command: ['npm run bench:compare', ...(words.length === 0 ? [] : ['--', ...words])].join(' '),
    },
  };
}

const OPTIONS = {
  systems: { type: 'string' },
  scenarios: { type: 'string' },
  rounds: { type: 'string' },
  repeats: { type: 'string' },
  small: { type: 'boolean' },
  seed: { type: 'string' },
  log: { type: 'string' },
  data: { type: 'string' },
  'first-port': { type: 'string' },
  write: { type: 'string' },
  tables: { type: 'string' },
  list: { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

function parse(words: readonly string[]): ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>['values'] {
  try {
    return parseArgs({ args: [...words], options: OPTIONS }).values;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new KLaniError('InvalidArgument', `Cannot compare: ${reason}`, { cause: error });
  }
}

/** In the order of the catalogue, so that turns do not depend on how they are named. */
function pick<T extends { readonly name: string }>(option: string, list: string | undefined, all: readonly T[]): readonly T[] {
  if (list === undefined) return all;
  const names = list.split(',');
  const known = all.map(({ name }) => name);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new KLaniError('InvalidArgument', `Cannot compare: --${option} has "${unknown}", must be of ${known.join(', ')}`);
  }
  return all.filter(({ name }) => names.includes(name));
}

function wholeNumber(option: string, text: string | undefined, min: number, max: number): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new KLaniError('InvalidArgument', `Cannot compare: --${option} is ${text}, must be a whole number, ${min} to ${max}`);
}
