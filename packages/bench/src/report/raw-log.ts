/**
 * The raw log of a run: everything that was seen, before anything was computed from it. The figures, the recount and the page come from
 * this file alone, so that whoever doubts them can compute them again.
 *
 * One JSON object a line with one key, which says what the line is. Times are whole microseconds since the first buyer asked.
 *
 * | line | value | meaning |
 * | --- | --- | --- |
 * | `run` | object, see {@link RunHeader} | what was run; the first line |
 * | `machine` | object, see {@link Machine} | where it ran, and which code; the second line |
 * | `sale` | `[timeUs, buyer, rowId, group, unit]` | a buyer was told: yours; group is the rank or hotel, unit the seat or room, both from 1 |
 * | `unknown` | `[timeUs, buyer, rowId]` | a buyer will never learn the outcome; row 0: the server would have chosen it |
 * | `mark` | object, see {@link Mark} | the server was killed or stopped, or answered again |
 * | `window` | `{ timeUs, <kind>: [latencyUs, …] }` | the answers that came within {@link WINDOW_US} from timeUs, in order, by {@link REQUEST_KINDS} |
 * | `row` | `[rowId, group, unit, isBooked, buyer]` | a row as the server read it from disk after the last kill |
 * | `end` | object, see {@link RunEnd} | counts that no other line gives; the last line |
 *
 * 1. `run` comes first and once, `machine` once, `end` last and once; a file without `end` is of a run that did not finish.
 * 2. Sales are in the order in which they were acknowledged, windows in the order of time; a window without an answer is left out.
 * 3. The seats or rooms for sale are those of `run.groupSizes`: units 1 to size of each group.
 */
import { KLaniError } from '@k-lani/protocol';
import type { Code } from './code-that-ran.ts';
import type { Host } from './host.ts';

/** The format that this code writes and reads. */
export const RAW_LOG_FORMAT = 2;

/** Length of a window of the log, in microseconds. */
export const WINDOW_US = 10_000;

/**
 * The requests that are measured. Reads are `query`, `reread` (under a lock) and `refused` (a claim that found nothing); updates are
 * `replace` and `claim` (one that sold); `lock` and `unlock` are neither.
 */
export const REQUEST_KINDS = ['query', 'reread', 'lock', 'replace', 'unlock', 'claim', 'refused'] as const;

export type RequestKind = (typeof REQUEST_KINDS)[number];

/** What was run, and on what terms. */
export interface RunHeader {
  readonly format: number;
  readonly bench: 'concert' | 'holiday';
  readonly flow: 'loop' | 'claim';
  readonly buyers: number;
  /** Units for sale in each rank or hotel. */
  readonly groupSizes: readonly number[];
  /** Units of those that the terms of the buyers allow: for the Holiday Rush, the rooms up to the price ceiling. */
  readonly unitsWithinTerms: number;
  readonly workers: number;
  readonly connections: number;
  readonly everyUser: boolean;
  readonly kill: boolean;
  /** Storms on other tables that the server had served before this one. */
  readonly rehearsals: number;
  readonly seed: number;
  /** `fsync`: durable before answered. `os`: survives a killed process, not a power cut. */
  readonly durability: string;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  /** The command that runs it again. */
  readonly command: string;
}

/** Where a run took place, and which code ran. */
export interface Machine {
  readonly host: Host;
  /** The file system type of the data directory. */
  readonly filesystem: string;
  readonly versions: { readonly node: string; readonly kLani: string };
  readonly code: Code;
}

export interface Sale {
  readonly timeUs: number;
  readonly buyer: number;
  readonly rowId: number;
  readonly group: number;
  readonly unit: number;
}

export interface UnknownSale {
  readonly timeUs: number;
  readonly buyer: number;
  readonly rowId: number;
}

/**
 * `kill`, `stop` (it stands still, or its disk fails) and `restarted` during the storm; `last-kill` and `last-restarted` before the
 * recount, which every run has.
 */
export const MARKS = ['kill', 'stop', 'restarted', 'last-kill', 'last-restarted'] as const;

/** Something that happened to the server's process. */
export interface Mark {
  readonly timeUs: number;
  readonly what: (typeof MARKS)[number];
  /** Sales acknowledged by then. */
  readonly sold: number;
  /** Requests that were waiting for their answer. */
  readonly inFlight: number;
}

/** The answers of one window: latencies in microseconds by kind of request. */
export interface Window {
  readonly timeUs: number;
  readonly latenciesUs: ReadonlyMap<RequestKind, readonly number[]>;
}

export interface Row {
  readonly rowId: number;
  readonly group: number;
  readonly unit: number;
  readonly isBooked: number;
  readonly buyer: number;
}

/** Counts that no other line gives. */
export interface RunEnd {
  /** From the first buyer's first request to the last buyer's last answer, an outage included. */
  readonly wallUs: number;
  /** Locks refused because another worker held them, and claims refused because all matches were locked. */
  readonly lockConflicts: number;
  /** Candidates that the re-read under the lock showed as booked. */
  readonly alreadySold: number;
  /** Buyers who found everything sold. */
  readonly noTicket: number;
  /** Locks that ended with a killed server before they were used. */
  readonly locksLost: number;
  /** Requests without effect that were asked again because the server was away or overloaded. */
  readonly reasked: number;
  /** What ended a worker or the server before its time; empty in a good run. */
  readonly failures: readonly string[];
}

/** What was seen, wherever it was. */
export interface StormLog {
  readonly run: RunHeader;
  readonly sales: readonly Sale[];
  readonly unknown: readonly UnknownSale[];
  readonly marks: readonly Mark[];
  readonly windows: readonly Window[];
  readonly rows: readonly Row[];
  readonly end: RunEnd;
}

export interface RawLog extends StormLog {
  readonly machine: Machine;
}

/** The text of a raw log, as written to its file. {@link decodeRawLog} gives the same log back. */
export function encodeRawLog(log: RawLog): string {
  const lines = [JSON.stringify({ run: log.run }), JSON.stringify({ machine: log.machine })];
  for (const { timeUs, buyer, rowId, group, unit } of log.sales) lines.push(`{"sale":[${timeUs},${buyer},${rowId},${group},${unit}]}`);
  for (const { timeUs, buyer, rowId } of log.unknown) lines.push(`{"unknown":[${timeUs},${buyer},${rowId}]}`);
  for (const mark of log.marks) lines.push(JSON.stringify({ mark }));
  for (const { timeUs, latenciesUs } of log.windows) lines.push(JSON.stringify({ window: { timeUs, ...Object.fromEntries(latenciesUs) } }));
  for (const { rowId, group, unit, isBooked, buyer } of log.rows) lines.push(`{"row":[${rowId},${group},${unit},${isBooked},${buyer}]}`);
  lines.push(JSON.stringify({ end: log.end }), '');
  return lines.join('\n');
}

/**
 * Reads a raw log.
 *
 * @throws {KLaniError} `InvalidArgument`, with the number of the line and the rule that it breaks
 */
export function decodeRawLog(text: string): RawLog {
  const decoder = new Decoder();
  let number = 0;
  for (const line of text.split('\n')) {
    number += 1;
    if (line === '') continue;
    try {
      decoder.take(line);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new KLaniError('InvalidArgument', `Cannot read raw log: line ${number}: ${why}`, { cause });
    }
  }
  return decoder.end();
}

class Decoder {
  #run: RunHeader | undefined;
  #machine: Machine | undefined;
  #end: RunEnd | undefined;
  readonly #sales: Sale[] = [];
  readonly #unknown: UnknownSale[] = [];
  readonly #marks: Mark[] = [];
  readonly #windows: Window[] = [];
  readonly #rows: Row[] = [];

  take(line: string): void {
    const [[kind, value] = ['', undefined], ...others] = Object.entries(asObject(JSON.parse(line), 'the line'));
    if (others.length > 0) throw new Error(`the line has ${others.length + 1} keys, must be 1`);
    if (this.#end !== undefined) throw new Error(`"${kind}" comes after "end"`);
    if ((this.#run === undefined) !== (kind === 'run')) throw new Error(`"run" must be the first line, and only that; found "${kind}"`);
    this.#takeValue(kind, value);
  }

  #takeValue(kind: string, value: unknown): void {
    switch (kind) {
      case 'run':
        this.#run = decodeHeader(asObject(value, 'run'));
        return;
      case 'machine':
        if (this.#machine !== undefined) throw new Error('"machine" comes twice');
        this.#machine = decodeMachine(asObject(value, 'machine'));
        return;
      case 'sale': {
        const [timeUs, buyer, rowId, group, unit] = asNumbers(value, 5);
        this.#sales.push({ timeUs, buyer, rowId, group, unit });
        return;
      }
      case 'unknown': {
        const [timeUs, buyer, rowId] = asNumbers(value, 3);
        this.#unknown.push({ timeUs, buyer, rowId });
        return;
      }
      case 'mark':
        this.#marks.push(decodeMark(asObject(value, 'mark')));
        return;
      case 'window':
        this.#windows.push(decodeWindow(asObject(value, 'window')));
        return;
      case 'row': {
        const [rowId, group, unit, isBooked, buyer] = asNumbers(value, 5);
        this.#rows.push({ rowId, group, unit, isBooked, buyer });
        return;
      }
      case 'end':
        this.#end = decodeEnd(asObject(value, 'end'));
        return;
      default:
        throw new Error(`"${kind}" is not a kind of line`);
    }
  }

  end(): RawLog {
    if (this.#run === undefined || this.#end === undefined) {
      throw new KLaniError('InvalidArgument', 'Cannot read raw log: it ends without an "end" line: the run did not finish');
    }
    if (this.#machine === undefined) {
      throw new KLaniError('InvalidArgument', 'Cannot read raw log: no "machine" line says where it ran');
    }
    return {
      run: this.#run,
      machine: this.#machine,
      sales: this.#sales,
      unknown: this.#unknown,
      marks: this.#marks,
      windows: this.#windows,
      rows: this.#rows,
      end: this.#end,
    };
  }
}

type Fields = Readonly<Record<string, unknown>>;

function decodeHeader(fields: Fields): RunHeader {
  const format = numberIn(fields, 'format');
  if (format !== RAW_LOG_FORMAT) throw new Error(`format is ${format}, must be ${RAW_LOG_FORMAT}`);
  return {
    format,
    bench: oneOf(fields, 'bench', ['concert', 'holiday']),
    flow: oneOf(fields, 'flow', ['loop', 'claim']),
    buyers: numberIn(fields, 'buyers'),
    groupSizes: asNumbers(fields['groupSizes']),
    unitsWithinTerms: numberIn(fields, 'unitsWithinTerms'),
    workers: numberIn(fields, 'workers'),
    connections: numberIn(fields, 'connections'),
    everyUser: booleanIn(fields, 'everyUser'),
    kill: booleanIn(fields, 'kill'),
    rehearsals: numberIn(fields, 'rehearsals'),
    seed: numberIn(fields, 'seed'),
    durability: textIn(fields, 'durability'),
    startedAt: textIn(fields, 'startedAt'),
    command: textIn(fields, 'command'),
  };
}

function decodeMachine(fields: Fields): Machine {
  const host = asObject(fields['host'], 'host');
  const versions = asObject(fields['versions'], 'versions');
  const code = asObject(fields['code'], 'code');
  return {
    host: {
      cpu: textIn(host, 'cpu'),
      cores: numberIn(host, 'cores'),
      memoryBytes: numberIn(host, 'memoryBytes'),
      platform: textIn(host, 'platform'),
      kernel: textIn(host, 'kernel'),
      arch: textIn(host, 'arch'),
    },
    filesystem: textIn(fields, 'filesystem'),
    versions: { node: textIn(versions, 'node'), kLani: textIn(versions, 'kLani') },
    code: {
      sha256: textIn(code, 'sha256'),
      files: numberIn(code, 'files'),
      commit: code['commit'] === undefined ? undefined : textIn(code, 'commit'),
    },
  };
}

function decodeMark(fields: Fields): Mark {
  const what = oneOf(fields, 'what', MARKS);
  return { timeUs: numberIn(fields, 'timeUs'), what, sold: numberIn(fields, 'sold'), inFlight: numberIn(fields, 'inFlight') };
}

function decodeWindow(fields: Fields): Window {
  const latenciesUs = new Map<RequestKind, readonly number[]>();
  for (const [name, value] of Object.entries(fields)) {
    if (name === 'timeUs') continue;
    const kind = REQUEST_KINDS.find((known) => known === name);
    if (kind === undefined) throw new Error(`"${name}" is not a kind of request`);
    latenciesUs.set(kind, asNumbers(value));
  }
  return { timeUs: numberIn(fields, 'timeUs'), latenciesUs };
}

function decodeEnd(fields: Fields): RunEnd {
  const failures = fields['failures'];
  if (!Array.isArray(failures)) throw new Error('failures must be a list');
  return {
    wallUs: numberIn(fields, 'wallUs'),
    lockConflicts: numberIn(fields, 'lockConflicts'),
    alreadySold: numberIn(fields, 'alreadySold'),
    noTicket: numberIn(fields, 'noTicket'),
    locksLost: numberIn(fields, 'locksLost'),
    reasked: numberIn(fields, 'reasked'),
    failures: failures.map(String),
  };
}

function asObject(value: unknown, name: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(`${name} must be an object`);
  return Object.fromEntries(Object.entries(value));
}

function asNumbers(value: unknown, count: 3): [number, number, number];
function asNumbers(value: unknown, count: 5): [number, number, number, number, number];
function asNumbers(value: unknown): number[];
function asNumbers(value: unknown, count?: number): number[] {
  if (!Array.isArray(value)) throw new Error('the value must be a list');
  if (count !== undefined && value.length !== count) throw new Error(`the list has ${value.length} numbers, must be ${count}`);
  return value.map(asCount);
}

function asCount(value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
    throw new Error(`${String(value)} is not a whole number >= 0`);
  return value;
}

function numberIn(fields: Fields, name: string): number {
  const value = fields[name];
  if (value === undefined) throw new Error(`${name} is missing`);
  return asCount(value);
}

function textIn(fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value !== 'string') throw new Error(`${name} must be a text`);
  return value;
}

function booleanIn(fields: Fields, name: string): boolean {
  const value = fields[name];
  if (typeof value !== 'boolean') throw new Error(`${name} must be true or false`);
  return value;
}

function oneOf<Name extends string>(fields: Fields, name: string, names: readonly Name[]): Name {
  const found = names.find((known) => known === fields[name]);
  if (found === undefined) throw new Error(`${name} is ${String(fields[name])}, must be one of ${names.join(', ')}`);
  return found;
}
