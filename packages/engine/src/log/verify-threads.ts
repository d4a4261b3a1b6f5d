/**
 * Verifying a log in several threads: hashing takes nearly all of the time, and every segment says what the log before it ended with, so each
 * can be checked by itself. How they follow each other is checked at the end.
 */
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { KLaniError } from '@k-lani/protocol';
import type { Directory } from '../io/io.ts';
import { NodeIo } from '../io/node-io.ts';
import { Rereading, lockToReadUnlessRunning } from './reading-lock.ts';
import { startOf, type RecoveryProgress } from './recovery.ts';
import { checkLinks, verifyRange, type RangeReport, type VerifyRange } from './verify-range.ts';
import { planOf, reportOf, type LogReport, type VerifyOptions, type VerifyPlan } from './verify.ts';
import type { RangeOutcome } from './verify-worker.ts';

/** Most threads that verify at once; each holds a segment in memory. */
const THREADS_MAX = 16;

/** The entry of a thread: beside this module, compiled or not. */
const WORKER = new URL(`./verify-worker${import.meta.url.slice(-3)}`, import.meta.url);

/**
 * As `verifyLog`, in as many threads as there are processors. The file system is the real one.
 *
 * @throws {KLaniError} as `verifyLog`
 */
export async function verifyLogInThreads(path: string, { anchor, progress }: Omit<VerifyOptions, 'io'> = {}): Promise<LogReport> {
  const directory = new NodeIo().openDirectory(path, { create: false });
  try {
    const isLive = lockToReadUnlessRunning(directory);
    const rereading = new Rereading(directory);
    for (;;) {
      try {
        const plan = planOf(directory, isLive);
        const ranges = rangesOf(plan, anchor);
        const reports = await verifyRanges(directory, ranges, progress);
        checkLinks(
          directory,
          reports,
          ranges.map(({ files }) => files[0]?.index ?? 0),
        );
        return reportOf(directory, plan, { ranges: reports, anchor });
      } catch (error) {
        rereading.again(error);
      }
    }
  } finally {
    directory.close();
  }
}

/** One run for each segment that has begun; one that has not goes with that before it, at the log's beginning with that behind it. */
function rangesOf({ files, manifest, isLive }: VerifyPlan, anchor: VerifyOptions['anchor']): VerifyRange[] {
  const begins = files.flatMap(({ header }, place) => (header === undefined ? [] : [place]));
  return begins.map((begin, place) => {
    const next = begins[place + 1];
    const header = files[begin]?.header;
    const start = place === 0 || header === undefined ? manifest?.start : startOf(header);
    return {
      files: files.slice(place === 0 ? 0 : begin, next === undefined ? undefined : next + 1),
      start,
      endSegment: next === undefined ? undefined : files[next]?.index,
      isLive,
      anchor,
    };
  });
}

async function verifyRanges(directory: Directory, ranges: readonly VerifyRange[], progress?: RecoveryProgress): Promise<RangeReport[]> {
  const count = Math.min(ranges.length, availableParallelism(), THREADS_MAX);
  if (count < 2) return ranges.map((range) => verifyRange(directory, range, { progress }));
  const reports: RangeReport[] = [];
  const sizeBytes = ranges[0]?.files.find(({ header }) => header !== undefined)?.header?.sizeBytes ?? 0;
  let next = 0;
  let done = 0;
  const work = async (): Promise<void> => {
    const worker = new Worker(WORKER, { workerData: directory.path });
    try {
      for (let place = next++; place < ranges.length; place = next++) {
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
        worker.postMessage(ranges[place]);
        const [outcome]: RangeOutcome[] = await once(worker, 'message');
        if (outcome === undefined || !('report' in outcome)) throw failure(outcome);
        reports[place] = outcome.report;
        done += 1;
        progress?.(done * sizeBytes, ranges.length * sizeBytes);
      }
    } catch (error) {
      next = ranges.length;
      throw error;
    } finally {
      await worker.terminate();
    }
  };
  await allSettled(Array.from({ length: count }, work));
  return reports;
}

/** Waits for all of them; fails as the first that failed. */
async function allSettled(running: readonly Promise<void>[]): Promise<void> {
  const outcomes = await Promise.allSettled(running);
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
}

function failure(outcome: Exclude<RangeOutcome, { report: RangeReport }> | undefined): KLaniError {
  return new KLaniError(outcome?.code ?? 'Io', outcome?.message ?? 'Cannot verify: a thread ended');
}
