/**
 * Which code ran, so that a figure can be tied to it: one SHA-256 over all sources of k-lani, tests aside.
 *
 * It is the SHA-256 of a text that has for each file the line `<sha256 of the file>  <package folder>/<path>`, sorted by path. In a clone
 * the same comes from:
 *
 * ```sh
 * cd packages && find base protocol engine server client bench cli -name '*.ts' ! -name '*.test.ts' |
 *   LC_ALL=C sort | xargs sha256sum | sha256sum
 * ```
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { globSync, readFileSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PACKAGES = ['@k-lani/base', '@k-lani/protocol', '@k-lani/engine', '@k-lani/server', 'k-lani-client', '@k-lani/bench', 'k-lani'];
const SOURCES = 'src/**/*.{ts,js}';

/** The code that ran. */
export interface Code {
  readonly sha256: string;
  /** Files that the checksum covers. */
  readonly files: number;
  /** The commit of the clone it ran from, with `-dirty` where files differ from it; undefined outside a clone. */
  readonly commit: string | undefined;
}

/**
 * Reads every source of k-lani that this process would run.
 *
 * @param more folders of further packages that run, as `/k-lani/packages/compare`
 */
export function describeCode(more: readonly string[] = []): Code {
  const roots = [...PACKAGES.flatMap((name) => rootOf(name)), ...more];
  const lines = roots.flatMap((root) => linesOf(root));
  return { ...checksum(lines), commit: commitOf(roots[0]) };
}

/** One line a source file under `root`, its name beginning with the name of `root`. */
export function linesOf(root: string): string[] {
  return globSync(SOURCES, { cwd: root })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => !/\.test\.[tj]s$/.test(path) && !path.endsWith('.d.ts'))
    .map(
      (path) =>
        `${createHash('sha256')
          .update(readFileSync(join(root, path)))
          .digest('hex')}  ${basename(root)}/${path}`,
    );
}

/** The checksum over such lines, in whatever order they come. */
export function checksum(lines: readonly string[]): { sha256: string; files: number } {
  const sorted = lines.toSorted((left, right) => Buffer.compare(Buffer.from(left.slice(66)), Buffer.from(right.slice(66))));
  const text = sorted.map((line) => `${line}\n`).join('');
  return { sha256: createHash('sha256').update(text).digest('hex'), files: lines.length };
}

/** The folder of a package, if it is installed: the command is not, where only the benchmarks are. */
function rootOf(name: string): string[] {
  try {
    const entry = fileURLToPath(import.meta.resolve(name));
    return [realpathSync(dirname(dirname(entry)))];
  } catch {
    return [];
  }
}

function commitOf(root: string | undefined): string | undefined {
  if (root === undefined || root.includes('node_modules')) return undefined;
  try {
    const git = (...words: string[]): string =>
      execFileSync('git', words, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    const commit = git('rev-parse', 'HEAD');
    return git('status', '--porcelain') === '' ? commit : `${commit}-dirty`;
  } catch {
    return undefined;
  }
}
