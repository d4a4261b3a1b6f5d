/** What all sessions of a server share. */
import { assert, type Clock } from '@k-lani/base';
import { type Database, TermList } from '@k-lani/engine';
import { CLAIM_LINES_MAX, FRAME_HEADER_SIZE } from '@k-lani/protocol';
import type { ServerConfig } from './config-keys.ts';
import { HeldAnswers } from './held-answers.ts';
import { Numbers } from './numbers.ts';
import { RecordRow } from './record-row.ts';

/** Where a server writes what it has to say; a logger of pino is one. */
export interface ServerLog {
  error(details: object, message: string): void;
  warn(details: object, message: string): void;
  info(details: object, message: string): void;
  debug(details: object, message: string): void;
}

/** What a server has counted since it started. */
export interface ServerCounters {
  connections: number;
  /** Connections beyond `maxConnections`. */
  connectionsRefused: number;
  requests: number;
  /** Connections ended because they broke the protocol. */
  breaches: number;
  /** Times that a session was paused because its client did not read. */
  pauses: number;
  /** Sessions ended because their client did not read. */
  dropped: number;
  /** Sessions ended because they were idle. */
  idled: number;
}

/** What an I/O thread has done since it started. */
export interface IoThreadStats {
  /** Connections now. */
  readonly connections: number;
  /** Requests that it passed on to the writer. */
  readonly forwarded: number;
  /** Requests that it answered itself. */
  readonly answered: number;
}

/** What a server tells of itself. */
export interface ServerStats extends Readonly<ServerCounters> {
  /** Connections now. */
  readonly sessions: number;
  readonly ioThreads: readonly IoThreadStats[];
  /** Answers that wait for the disk. */
  readonly answersHeld: number;
  readonly version: string;
}

/** The longest answer of a configuration, header included, bytes. */
export function answerBytesMax({ maxFrameBytes, maxResponseBytes }: Pick<ServerConfig, 'maxFrameBytes' | 'maxResponseBytes'>): number {
  return Math.min(maxFrameBytes, FRAME_HEADER_SIZE + maxResponseBytes);
}

/** What a {@link Service} is made of. */
export interface ServiceParts {
  readonly database: Database;
  readonly config: ServerConfig;
  readonly clock: Clock;
  readonly log: ServerLog;
  readonly version: string;
  /** I/O threads, if there are any. */
  readonly ioThreadStats?: () => readonly IoThreadStats[];
}

export class Service {
  readonly database: Database;
  readonly config: ServerConfig;
  readonly clock: Clock;
  readonly log: ServerLog;
  readonly version: string;
  readonly held: HeldAnswers;
  readonly handleNumbers = new Numbers();
  readonly cursorNumbers = new Numbers();
  readonly counters: ServerCounters = {
    connections: 0,
    connectionsRefused: 0,
    requests: 0,
    breaches: 0,
    pauses: 0,
    dropped: 0,
    idled: 0,
  };
  /** Connections now; counted by whoever takes them. */
  sessionCount = 0;
  /** The longest answer, header included, bytes. */
  readonly answerBytesMax: number;
  /** For the use of one command at a time. */
  readonly row = new RecordRow();
  readonly #terms: readonly TermList[] = Array.from({ length: CLAIM_LINES_MAX }, () => new TermList());
  readonly #ioThreadStats: () => readonly IoThreadStats[];

  constructor(parts: ServiceParts) {
    this.database = parts.database;
    this.config = parts.config;
    this.clock = parts.clock;
    this.log = parts.log;
    this.version = parts.version;
    this.#ioThreadStats = parts.ioThreadStats ?? (() => []);
    this.held = new HeldAnswers(parts.database);
    this.answerBytesMax = answerBytesMax(parts.config);
  }

  /** Memory for the terms of a line, for the use of one command at a time. */
  termList(line: number): TermList {
    const terms = this.#terms[line];
    assert(terms !== undefined, 'A claim has no more lines than the limit');
    return terms;
  }

  stats(): ServerStats {
    const ioThreads = this.#ioThreadStats();
    const requests = ioThreads.reduce((sum, { answered }) => sum + answered, this.counters.requests);
    const { sessionCount: sessions, version } = this;
    return { ...this.counters, requests, sessions, answersHeld: this.held.count, ioThreads, version };
  }
}
