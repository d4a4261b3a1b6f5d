/**
 * The keys of the configuration: one table. A key stands in the YAML file as it is here; as a flag it is written `--max-connections`, as a
 * variable of the environment `K_LANI_MAX_CONNECTIONS`. Flags go before the environment, that goes before the file, that before the defaults.
 *
 * | key | default | allowed |
 * | --- | --- | --- |
 * | data | ./k-lani-data | a directory |
 * | listen | tcp://127.0.0.1:7700 | a list of tcp://HOST:PORT and unix:/PATH |
 * | durability | fsync | fsync, os |
 * | segmentSizeBytes | 67108864 | a power of two, 65536 to 1073741824 |
 * | operationWindow | 1048576 | 1 to 16777216 |
 * | checkpointBytes | 67108864 | 0 to 1099511627776 |
 * | history | all | all, latest, or a number of days, 1 to 36500 |
 * | archive | none | a directory, or none |
 * | ioThreads | auto | 0 to 32, or auto |
 * | maxConnections | 4096 | 1 to 65536 |
 * | maxFrameBytes | 16777216 | 4096 to 33554432 |
 * | maxResponseRows | 65536 | 1 to 1000000 |
 * | maxResponseBytes | 16777216 | 4096 to 33554432 |
 * | maxOutputBytes | 67108864 | 8192 to 1073741824, and at least twice maxResponseBytes |
 * | maxInFlight | 1024 | 1 to 65536 |
 * | maxHandles | 256 | 1 to 65536 |
 * | maxCursors | 16 | 1 to 1024 |
 * | lockLeaseMsMax | 300000 | 1 to 86400000 |
 * | sessionIdleMs | 300000 | 100 to 86400000 |
 * | streamIdleMs | 300000 | 1 to 86400000 |
 * | logLevel | info | silent, fatal, error, warn, info, debug, trace |
 *
 * The default `data` and paths of sockets are relative to the working directory. `config-keys.test.ts` holds the table to the code.
 */
import { HISTORY_DAYS_MAX } from '@k-lani/engine';

const DAY_MS = 86_400_000;
/** The most I/O threads that can be asked for. */
export const IO_THREADS_MAX = 32;

const MEBIBYTE = 1024 * 1024;

/** How much a server says. */
export type LogLevel = 'silent' | 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace';

/** What a server is configured with. Sizes are in bytes, times in milliseconds. */
export interface ServerConfig {
  readonly data: string;
  readonly listen: readonly string[];
  readonly durability: 'fsync' | 'os';
  readonly segmentSizeBytes: number;
  readonly operationWindow: number;
  readonly checkpointBytes: number;
  /** What is kept of the versions of a row: all, the latest, or those of so many days. */
  readonly history: 'all' | 'latest' | number;
  /** `none`, or the directory that takes segments that are given up. */
  readonly archive: string;
  /** Threads that own sockets; `auto`: as many as this machine is faster with. */
  readonly ioThreads: 'auto' | number;
  readonly maxConnections: number;
  readonly maxFrameBytes: number;
  readonly maxResponseRows: number;
  readonly maxResponseBytes: number;
  readonly maxOutputBytes: number;
  readonly maxInFlight: number;
  readonly maxHandles: number;
  readonly maxCursors: number;
  readonly lockLeaseMsMax: number;
  readonly sessionIdleMs: number;
  readonly streamIdleMs: number;
  readonly logLevel: LogLevel;
}

/** What a key takes. */
export type ConfigRule =
  | { readonly kind: 'path'; readonly isOptional?: boolean }
  | { readonly kind: 'history' }
  | { readonly kind: 'addresses' }
  | { readonly kind: 'threads'; readonly max: number }
  | { readonly kind: 'integer'; readonly min: number; readonly max: number; readonly isPowerOfTwo?: boolean }
  | { readonly kind: 'choice'; readonly choices: readonly string[] };

/** One key: its name, what it takes, its default, and what it means. */
export interface ConfigKey {
  readonly key: keyof ServerConfig;
  readonly rule: ConfigRule;
  readonly default: string | number | readonly string[];
  /** For people: one or two sentences. */
  readonly meaning: string;
}

/** Every key, in the order in which they are shown. */
export const CONFIG_KEYS: readonly ConfigKey[] = [
  {
    key: 'data',
    rule: { kind: 'path' },
    default: './k-lani-data',
    meaning: 'Directory of the database. It is made where there is none; one process at a time uses it.',
  },
  {
    key: 'listen',
    rule: { kind: 'addresses' },
    default: ['tcp://127.0.0.1:7700'],
    meaning:
      'Addresses to listen on. Port 0 takes any free port. There is no authentication yet: listen only where every client is trusted.',
  },
  {
    key: 'durability',
    rule: { kind: 'choice', choices: ['fsync', 'os'] },
    default: 'fsync',
    meaning: 'What an answer promises. fsync: it is on stable storage. os: it survives a killed process, not a power cut.',
  },
  {
    key: 'segmentSizeBytes',
    rule: { kind: 'integer', min: 64 * 1024, max: 1024 * MEBIBYTE, isPowerOfTwo: true },
    default: 64 * MEBIBYTE,
    meaning: 'Bytes of a log segment, for a new database; a stored one keeps its own.',
  },
  {
    key: 'operationWindow',
    rule: { kind: 'integer', min: 1, max: 16 * MEBIBYTE },
    default: MEBIBYTE,
    meaning: 'How many operations are remembered: a write that comes again within the window gets its first answer. About 30 bytes each.',
  },
  {
    key: 'checkpointBytes',
    rule: { kind: 'integer', min: 0, max: MEBIBYTE * MEBIBYTE },
    default: 64 * MEBIBYTE,
    meaning:
      'How many bytes of log lie at least between two checkpoints, which make the next start fast. They are built in the background when a segment is full. 0: none are made, and those that are there are removed.',
  },
  {
    key: 'history',
    rule: { kind: 'history' },
    default: 'all',
    meaning:
      'What is kept of the versions of a row: all; those of the last days, at least; or the latest, at least. The oldest log segments are given up when neither the policy nor a remembered operation needs them; what is still in force in them is moved to the end of the log, in the background, when at least half of the log is no longer in force. History that is gone is answered Truncated.',
  },
  {
    key: 'archive',
    rule: { kind: 'path', isOptional: true },
    default: 'none',
    meaning:
      'Directory that takes the log segments that are given up, whole; verify reads them there. It is made where there is none, and belongs to this database alone. none: they are removed.',
  },
  {
    key: 'ioThreads',
    rule: { kind: 'threads', max: IO_THREADS_MAX },
    default: 'auto',
    meaning:
      'Threads that own the sockets, beside the one that writes. 0: that one does it all. auto: none on machines with one or two processors, else one fewer than there are processors, at most 4.',
  },
  {
    key: 'maxConnections',
    rule: { kind: 'integer', min: 1, max: 65_536 },
    default: 4096,
    meaning: 'Connections at a time. The next one is answered LimitReached.',
  },
  {
    key: 'maxFrameBytes',
    rule: { kind: 'integer', min: 4096, max: 32 * MEBIBYTE },
    default: 16 * MEBIBYTE,
    meaning: 'Longest frame that is taken or sent. A longer one is answered FrameTooLarge and ends its connection.',
  },
  {
    key: 'maxResponseRows',
    rule: { kind: 'integer', min: 1, max: 1_000_000 },
    default: 65_536,
    meaning: 'Most rows, row ids or versions of one answer.',
  },
  {
    key: 'maxResponseBytes',
    rule: { kind: 'integer', min: 4096, max: 32 * MEBIBYTE },
    default: 16 * MEBIBYTE,
    meaning: 'Most bytes of one answer. A larger one is answered ResponseTooLarge; a page of a scan or stream ends earlier instead.',
  },
  {
    key: 'maxOutputBytes',
    rule: { kind: 'integer', min: 8192, max: 1024 * MEBIBYTE },
    default: 64 * MEBIBYTE,
    meaning:
      'Most bytes of answers that wait for one client. A client that does not read is paused, and dropped when answers of what it began go beyond. At least twice maxResponseBytes.',
  },
  {
    key: 'maxInFlight',
    rule: { kind: 'integer', min: 1, max: 65_536 },
    default: 1024,
    meaning: 'Requests of one connection that may be unanswered. The next one is answered Overloaded.',
  },
  {
    key: 'maxHandles',
    rule: { kind: 'integer', min: 1, max: 65_536 },
    default: 256,
    meaning: 'Table handles that one session has open. The next one is answered LimitReached.',
  },
  {
    key: 'maxCursors',
    rule: { kind: 'integer', min: 1, max: 1024 },
    default: 16,
    meaning: 'Scans and streams that one session has open. The next one is answered LimitReached.',
  },
  {
    key: 'lockLeaseMsMax',
    rule: { kind: 'integer', min: 1, max: DAY_MS },
    default: 300_000,
    meaning: 'Longest lease of a lock. A longer one is answered InvalidArgument.',
  },
  {
    key: 'sessionIdleMs',
    rule: { kind: 'integer', min: 100, max: DAY_MS },
    default: 300_000,
    meaning: 'A session without a request, or with answers that its client does not read, ends after this time.',
  },
  {
    key: 'streamIdleMs',
    rule: { kind: 'integer', min: 1, max: DAY_MS },
    default: 300_000,
    meaning: 'A scan or stream that is left this long between two pages ends: SnapshotExpired.',
  },
  {
    key: 'logLevel',
    rule: { kind: 'choice', choices: ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'] },
    default: 'info',
    meaning: 'How much is written to standard error, one JSON object a line.',
  },
];

/** What is allowed for a key, for messages and documents. */
export function describeRule(rule: ConfigRule): string {
  if (rule.kind === 'path') return rule.isOptional === true ? 'a directory, or none' : 'a directory';
  if (rule.kind === 'history') return `all, latest, or a number of days, 1 to ${HISTORY_DAYS_MAX}`;
  if (rule.kind === 'threads') return `0 to ${rule.max}, or auto`;
  if (rule.kind === 'addresses') return 'a list of tcp://HOST:PORT and unix:/PATH';
  if (rule.kind === 'choice') return rule.choices.join(', ');
  return `${rule.isPowerOfTwo === true ? 'a power of two, ' : ''}${rule.min} to ${rule.max}`;
}

/** The flag of a key: `--max-connections`. */
export function flagOf(key: string): string {
  return `--${key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** The variable of a key: `K_LANI_MAX_CONNECTIONS`. */
export function variableOf(key: string): string {
  return `${VARIABLE_PREFIX}${key.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

/** What every variable of the environment begins with that configures k-lani. */
export const VARIABLE_PREFIX = 'K_LANI_';
