/**
 * `npm run site`: the site, from the raw logs of a directory.
 *
 * Exit codes: 0 when it was built, 2 for wrong options. What is missing is said on the site and here.
 */
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { KLaniError } from '@k-lani/protocol';
import { buildSite } from './build-site.ts';
import { readLogs } from './raw/log-file.ts';
import { WORKINGS_PAGE } from './raw/workings.ts';

const USAGE = `npm run site -- [--logs DIRECTORY] [--out DIRECTORY]

  --logs  where the raw logs (*.ndjson) are, folders in it too; docs/benchmarks unless given
  --out   where the site goes: a directory that is empty, not there, or holds a site; site unless given
`;

try {
  process.exitCode = carryOut(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof KLaniError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}

function carryOut(words: readonly string[]): number {
  const { logs, out, help } = readOptions(words);
  if (help) {
    process.stdout.write(USAGE);
    return 0;
  }
  if (!existsSync(logs)) throw new KLaniError('InvalidArgument', `Cannot build site: there is no directory ${resolve(logs)}; give --logs`);
  const found = readLogs(logs);
  const files = buildSite(found);
  clear(out);
  for (const [path, text] of files) {
    mkdirSync(dirname(join(out, path)), { recursive: true });
    writeFileSync(join(out, path), text);
  }
  for (const sentence of found.refused) process.stderr.write(`left out: ${sentence}\n`);
  process.stdout.write(
    `${resolve(out, 'index.html')}: ${found.storms.length} logs of storms, ${found.comparisons.length} of comparisons, ${found.refused.length} left out\n`,
  );
  return 0;
}

function readOptions(words: readonly string[]): { logs: string; out: string; help: boolean } {
  try {
    const { values } = parseArgs({
      args: [...words],
      options: {
        logs: { type: 'string', default: 'docs/benchmarks' },
        out: { type: 'string', default: 'site' },
        help: { type: 'boolean', default: false },
      },
    });
    return values;
  } catch (cause) {
    throw new KLaniError('InvalidArgument', `${cause instanceof Error ? cause.message : String(cause)}\n\n${USAGE}`, { cause });
  }
}

/** Removes the site that was there. @throws {KLaniError} `InvalidArgument` when something else is */
function clear(out: string): void {
  if (!existsSync(out)) return;
  const names = readdirSync(out);
  if (names.length > 0 && !names.includes(WORKINGS_PAGE)) {
    throw new KLaniError('InvalidArgument', `Cannot build site in ${resolve(out)}: it holds something else; choose another --out`);
  }
  for (const name of names) if (name === 'logs' || name.endsWith('.html')) rmSync(join(out, name), { recursive: true });
}
