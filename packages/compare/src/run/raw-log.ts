/**
 * The raw log of a comparison: JSON lines, in the order in which things happened. Tables, ratios and the site are made from it alone.
 *
 * Each line is an object with one member, whose name says what kind of line it is:
 *
 * | line | how many | content |
 * | --- | --- | --- |
 * | `run` | the first | format, command, options, host, code, clients |
 * | `skipped` | one a system that is not installed | what is missing, and the command that installs it |
 * | `system` | one a system that was started | version, durability, isolation, configuration |
 * | `scenario` | one a scenario, before its other lines | title, what it does, unit and direction of its figures are in each figure |
 * | `trial` | one a way of a system | figures at the trial size: why a way was chosen; the last one of a storm is its rehearsal at the full size; not part of any result |
 * | `chosen` | one a system and scenario | the way that goes into the rounds |
 * | `measured` | one a system, scenario and round | figures, counts, and the recount right after |
 * | `killed` | one a system and scenario that writes | SIGKILL, start, and the recount of all rounds after it |
 * | `failed` | where something went wrong | what, in words |
 * | `end` | the last | `complete` or `interrupted`; none after a crash of the harness |
 *
 * Figures of a line that is not `trial` count. Sizes are in bytes, times have their unit beside them.
 */
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import type { Code, Host } from '@k-lani/bench';
import { KLaniError } from '@k-lani/protocol';
import type { Figure, Recount, SizeName } from '../scenarios/scenario.ts';
import type { System, Way } from '../systems/system.ts';

export const LOG_FORMAT = 1;

interface RunLine {
  readonly format: number;
  readonly startedAt: string;
  /** That runs it again. */
  readonly command: string;
  readonly size: SizeName;
  readonly rounds: number;
  readonly repeats: number;
  readonly seed: number;
  readonly systems: readonly string[];
  readonly scenarios: readonly string[];
  readonly host: Host;
  readonly node: string;
  readonly filesystem: string;
  readonly code: Code;
  /** Version of each client library. */
  readonly clients: Readonly<Record<string, string>>;
}

interface SystemLine {
  readonly name: string;
  readonly title: string;
  readonly kind: System['kind'];
  readonly version: string;
  readonly durability: string;
  readonly isolation: string;
  readonly configuration: readonly string[];
}

/** Which measurement a line is about. */
interface Which {
  readonly scenario: string;
  readonly system: string;
}

export interface MeasuredLine extends Which {
  /** From 1. */
  readonly round: number;
  readonly way: Way;
  readonly figures: Readonly<Record<string, Figure>>;
  readonly counts: Readonly<Record<string, number>>;
  readonly recount: Recount | undefined;
}

/** A line's kind and content. */
export interface Lines {
  readonly run: RunLine;
  readonly skipped: { readonly system: string; readonly missing: string; readonly install: string };
  readonly system: SystemLine;
  readonly scenario: { readonly name: string; readonly title: string; readonly what: string; readonly kinds: readonly System['kind'][] };
  readonly trial: Which & { readonly way: Way; readonly figures: Readonly<Record<string, Figure>> };
  readonly chosen: Which & { readonly way: Way };
  readonly measured: MeasuredLine;
  readonly killed: Which & { readonly startMs: number; readonly recount: Recount };
  readonly failed: {
    readonly system: string;
    readonly scenario: string | undefined;
    readonly round: number | undefined;
    readonly reason: string;
  };
  readonly end: { readonly finishedAt: string; readonly seconds: number; readonly state: 'complete' | 'interrupted' };
}

export type LineKind = keyof Lines;

/** One line, with its number in the file from 1. */
export type Line = { readonly [Kind in LineKind]: { readonly kind: Kind; readonly number: number; readonly value: Lines[Kind] } }[LineKind];

/** Writes a log as things happen: what is written is in the file when the call returns. */
export class RawLogWriter implements Disposable {
  readonly #descriptor: number;

  /** @throws {KLaniError} `InvalidArgument` when the file is there already, or cannot be made */
  constructor(file: string) {
    try {
      this.#descriptor = openSync(file, 'wx');
    } catch (error) {
      const isThere = error instanceof Error && 'code' in error && error.code === 'EEXIST';
      const reason = isThere ? `${file} is there already; choose another file` : messageOf(error);
      throw new KLaniError('InvalidArgument', `Cannot write raw log: ${reason}`, { cause: error });
    }
  }

  write<Kind extends LineKind>(kind: Kind, value: Lines[Kind]): void {
    writeSync(this.#descriptor, `${JSON.stringify({ [kind]: value })}\n`);
  }

  [Symbol.dispose](): void {
    closeSync(this.#descriptor);
  }
}

const KINDS: ReadonlySet<string> = new Set<LineKind>([
  'run',
  'skipped',
  'system',
  'scenario',
  'trial',
  'chosen',
  'measured',
  'killed',
  'failed',
  'end',
]);

/**
 * Reads a raw log. A log that was cut off in its last line is read up to there.
 *
 * @throws {KLaniError} `InvalidArgument` when it cannot be read, or with the line that is not one of a raw log
 */
export function readRawLog(file: string): Line[] {
  const lines = textOf(file).split('\n');
  // After the last line's end; or what was written of a line when the harness was killed.
  lines.pop();
  return lines.map((text, index) => decodeLine(text, index + 1));
}

function decodeLine(text: string, number: number): Line {
  let line: unknown;
  try {
    line = JSON.parse(text);
  } catch (error) {
    throw new KLaniError('InvalidArgument', `Cannot read raw log: line ${number} is not JSON`, { cause: error });
  }
  const [kind, value] = Object.entries(line ?? {})[0] ?? [];
  if (kind === undefined || !KINDS.has(kind) || typeof value !== 'object' || value === null) {
    throw new KLaniError('InvalidArgument', `Cannot read raw log: line ${number} is of no known kind: ${text.slice(0, 80)}`);
  }
  if (number === 1 && (kind !== 'run' || (value as RunLine).format !== LOG_FORMAT)) {
    throw new KLaniError('InvalidArgument', `Cannot read raw log: it does not begin with a run of format ${LOG_FORMAT}`);
  }
  return { kind, number, value } as Line;
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new KLaniError('InvalidArgument', `Cannot read raw log: ${messageOf(error)}`, { cause: error });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
