/** The raw logs that the site is made from: every `.ndjson` file of a directory, told apart by its first line. */
import { createHash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeRawLog, type RawLog } from '@k-lani/bench';
import { type Line, readRawLog } from '@k-lani/compare';
import { KLaniError } from '@k-lani/protocol';

/** A file that the site shows and hands out. */
interface LogFile {
  /** Its name on the site; a file in a folder has the folder's name before its own. */
  readonly name: string;
  readonly text: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** The raw log of one storm. */
export interface StormFile extends LogFile {
  readonly kind: 'storm';
  readonly log: RawLog;
}

/** The raw log of a comparison, complete or not. */
export interface ComparisonFile extends LogFile {
  readonly kind: 'comparison';
  readonly lines: readonly Line[];
}

/** What a directory has. */
export interface Logs {
  /** Sorted by name. */
  readonly storms: readonly StormFile[];
  readonly comparisons: readonly ComparisonFile[];
  /** Files that could not be read, one sentence each. */
  readonly refused: readonly string[];
}

/**
 * Reads every raw log under a directory. A file that is none, or of another format, is refused by name and the rest is read.
 *
 * @throws {KLaniError} `InvalidArgument` when two files would have one name on the site
 */
export function readLogs(directory: string): Logs {
  const storms: StormFile[] = [];
  const comparisons: ComparisonFile[] = [];
  const refused: string[] = [];
  const names = new Set<string>();
  for (const path of globSync('**/*.ndjson', { cwd: directory }).toSorted()) {
    const name = path.replaceAll(/[^\w.-]+/g, '-');
    if (names.has(name)) throw new KLaniError('InvalidArgument', `Cannot build site: two logs in ${directory} would be named ${name}`);
    names.add(name);
    try {
      const file = readLog(join(directory, path), name);
      if (file.kind === 'storm') storms.push(file);
      else comparisons.push(file);
    } catch (error) {
      if (!(error instanceof KLaniError)) throw error;
      refused.push(`${path}: ${error.message}`);
    }
  }
  return { storms, comparisons, refused };
}

function readLog(path: string, name: string): StormFile | ComparisonFile {
  const bytes = readFileSync(path);
  const text = bytes.toString('utf8');
  const file = { name, text, sizeBytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
  return isStorm(text) ? { ...file, kind: 'storm', log: decodeRawLog(text) } : { ...file, kind: 'comparison', lines: readRawLog(path) };
}

/** The first line of a storm names its benchmark; that of a comparison does not. */
function isStorm(text: string): boolean {
  return /^\{"run":\{[^\n]*"bench":/.test(text);
}
