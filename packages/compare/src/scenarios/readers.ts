/**
 * Random point reads by two threads that share one database, beside two processes that share nothing: each has a copy of its own.
 *
 * The two are measured one after the other, and their order changes from round to round. The figure is how many times as many rows the
 * threads read.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, rmSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import type { Session } from '../systems/system.ts';
import { fillTable, TABLE_ROWS } from './item-table.ts';
import type { ReadPlan } from './reader-program.ts';
import type { Figure, Measurement, Scenario, SizeName, Task } from './scenario.ts';

const READERS = 2;
const DURATION_MS: Readonly<Record<SizeName, number>> = { published: 2000, trial: 500, small: 60 };
const PROGRAM = new URL('reader-program.ts', import.meta.url);

export const READERS_BESIDE_PROCESSES: Scenario = {
  name: 'embedded-readers',
  title: 'Embedded, two reader threads on one database',
  what: 'random point reads of 100,000 rows; rows read by two threads on one database, as a share of what two processes on two copies read',
  kinds: ['embedded'],
  use: 'read',
  isRepeated: false,
  connections: () => [1],
  measure,
};

/** A thread or process that reads. */
interface Reader {
  /** Sends it a message, and gives its answer. */
  ask(message: unknown): Promise<unknown>;
  end(): Promise<unknown>;
}

async function measure(session: Session, task: Task): Promise<Measurement> {
  const table = `readers_${task.size}_${task.way.name.replaceAll(' ', '_')}`;
  const opened = await session.openItems(table, task.way);
  try {
    await fillTable(opened, task.size, task.seed);
  } finally {
    await opened.close();
  }
  const isThreadsFirst = task.run.charCodeAt(task.run.length - 1) % 2 === 0;
  const first = isThreadsFirst ? await readInThreads(session, task, table) : 0;
  const processes = await readInProcesses(session, task, table);
  const threads = isThreadsFirst ? first : await readInThreads(session, task, table);
  const perSecond = (rows: number): Figure => ({ value: (rows / DURATION_MS[task.size]) * 1000, unit: 'rows/s', better: 'higher' });
  return {
    figures: {
      share: { value: threads / processes, unit: '×', better: 'higher' },
      threads: perSecond(threads),
      processes: perSecond(processes),
    },
    counts: { threads, processes },
    told: undefined,
  };
}

async function readInThreads(session: Session, task: Task, table: string): Promise<number> {
  const entry = await entryOf(session, task, table);
  try {
    const readers = Array.from({ length: READERS }, () => readerOf(new Worker(PROGRAM)));
    return await readAll(readers, task, () => ({ module: entry.module, data: entry.shared }));
  } finally {
    await entry.close();
  }
}

async function readInProcesses(session: Session, task: Task, table: string): Promise<number> {
  const { module, path, copied, close } = await entryOf(session, task, table);
  await close();
  const copies = Array.from({ length: READERS }, (_, reader) => `${path}-copy-${reader}`);
  for (const copy of copies) if (!existsSync(copy)) cpSync(path, copy, { recursive: true });
  try {
    const readers = copies.map(() => readerOf(fork(PROGRAM, { serialization: 'advanced' })));
    return await readAll(readers, task, (reader) => ({ module, data: copied(copies[reader] ?? '') }));
  } finally {
    for (const copy of copies) rmSync(copy, { recursive: true });
  }
}

async function entryOf(session: Session, task: Task, table: string) {
  const entry = await session.readers?.(table, task.way);
  if (entry === undefined) throw new Error('Cannot read from elsewhere: the system has no readers');
  return { ...entry, copied: (path: string) => entry.copied(path), close: () => entry.close() };
}

/** Rows that all readers read together. */
async function readAll(
  readers: readonly Reader[],
  { size, seed }: Task,
  sourceOf: (reader: number) => Pick<ReadPlan, 'module' | 'data'>,
): Promise<number> {
  try {
    await Promise.all(
      readers.map((reader, index) => reader.ask({ ...sourceOf(index), rows: TABLE_ROWS[size], seed: seed + index } satisfies ReadPlan)),
    );
    const counts = await Promise.all(readers.map((reader) => reader.ask(DURATION_MS[size])));
    return counts.reduce((sum: number, count) => sum + Number(count), 0);
  } finally {
    await Promise.all(readers.map((reader) => reader.end()));
  }
}

function readerOf(where: Worker | ChildProcess): Reader {
  const ended = once(where, 'exit').then(() => {
    throw new Error('Cannot read: the reader has ended');
  });
  ended.catch(() => {});
  return {
    ask: async (message) => {
      const answered = once(where, 'message').then(([answer]: unknown[]) => answer);
      if (where instanceof Worker) where.postMessage(message, []);
      else where.send(message as object);
      return Promise.race([answered, ended]);
    },
    end: async () => {
      if (where instanceof Worker) await where.terminate();
      else where.kill('SIGKILL');
      await ended.catch(() => {});
    },
  };
}
