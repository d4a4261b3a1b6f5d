/**
 * Flips every byte of every file of small databases, one at a time, and prints what became of it:
 *
 * ```sh
 * npm run byte-flips                # every byte, one bit of it
 * npm run byte-flips -- --bits all  # every bit
 * npm run byte-flips -- --step 50   # one byte in fifty
 * ```
 *
 * Ends with 1 when a flip was read as data or not told.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { OUTCOMES } from './flip.ts';
import { makeSubjects, type Subject } from './subject.ts';
import { Tally } from './tally.ts';
import type { Job, WorkerTask } from './worker.ts';

/** Bytes of an entry of the list that the threads share. */
const JOB_BYTES = 512;
const THREADS_MAX = 16;
const STEP_MAX = 10_000;

interface Done {
  readonly place: number;
  readonly counts: ReadonlyMap<string, number>;
  readonly wrong: readonly string[];
  readonly flips: number;
}

const { values } = parseArgs({ options: { bits: { type: 'string', default: 'one' }, step: { type: 'string', default: '1' } } });
const step = Number(values.step);
if (!(Number.isInteger(step) && step >= 1 && step <= STEP_MAX)) throw new Error(`--step is ${values.step}, must be 1 to ${STEP_MAX}`);
if (values.bits !== 'one' && values.bits !== 'all') throw new Error(`--bits is ${values.bits}, must be one or all`);
process.exitCode = await run(await makeSubjects());

async function run(subjects: readonly Subject[]): Promise<number> {
  const startMs = performance.now();
  const jobs = subjects.flatMap(jobsOf);
  const tallies = new Map<string, Tally>();
  let done = 0;
  await flipAll(jobs, ({ place, ...counted }) => {
    const job = jobs[place];
    const key = `${job?.subject ?? ''}\n${job?.file ?? ''}`;
    const tally = tallies.get(key) ?? new Tally();
    tallies.set(key, tally);
    tally.join(counted);
    done += 1;
    if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${Math.floor((done / jobs.length) * 100)} % of the bytes flipped`);
  });
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
  print(subjects, tallies);
  const all = [...tallies.values()];
  const wrong = all.reduce((sum, tally) => sum + tally.count('wrong'), 0);
  const flips = all.reduce((sum, tally) => sum + tally.flips, 0);
  console.log(`byte_flips_done flips=${flips} wrong=${wrong} wall_secs=${((performance.now() - startMs) / 1000).toFixed(1)}`);
  for (const line of all.flatMap((tally) => tally.wrong)) console.log(`wrong: ${line}`);
  return wrong === 0 ? 0 : 1;
}

function jobsOf({ name, files }: Subject): Job[] {
  const jobs: Job[] = [];
  for (const [file, bytes] of files) {
    for (let start = 0; start < bytes.length; start += JOB_BYTES * step) {
      jobs.push({
        subject: name,
        file,
        start,
        end: Math.min(bytes.length, start + JOB_BYTES * step),
        step,
        isEveryBit: values.bits === 'all',
      });
    }
  }
  return jobs;
}

async function flipAll(jobs: readonly Job[], onDone: (done: Done) => void): Promise<void> {
  const task: WorkerTask = { jobs, next: new Int32Array(new SharedArrayBuffer(4)) };
  const work = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL('worker.ts', import.meta.url), { workerData: task });
      worker
        .on('message', onDone)
        .once('error', reject)
        .once('exit', () => resolve());
    });
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), THREADS_MAX) }, work));
}

function print(subjects: readonly Subject[], tallies: ReadonlyMap<string, Tally>): void {
  const columns = OUTCOMES.map((outcome) => ({ outcome, width: Math.max(outcome.length, 8) }));
  for (const { name, files } of subjects) {
    console.log(`\n${name}`);
    console.log(['file'.padEnd(21), 'bytes'.padStart(8), ...columns.map(({ outcome, width }) => outcome.padStart(width))].join('  '));
    const whys = new Set<string>();
    for (const [file, bytes] of files) {
      const tally = tallies.get(`${name}\n${file}`) ?? new Tally();
      const cells = columns.map(({ outcome, width }) => String(tally.count(outcome) || '·').padStart(width));
      console.log([file.padEnd(21), String(bytes.length).padStart(8), ...cells].join('  '));
      for (const { outcome, why } of tally.rows) if (why !== '') whys.add(`  ${outcome}: ${why}`);
    }
    console.log([...whys].join('\n'));
  }
}
