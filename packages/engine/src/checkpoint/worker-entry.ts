/** The thread of `WorkerRunner`: builds one checkpoint and ends. */
import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '@k-lani/base';
import { KLaniError } from '@k-lani/protocol';
import { NodeIo } from '../io/node-io.ts';
import { lowerThreadPriority } from '../io/thread-priority.ts';
import { buildCheckpoint, type CheckpointFacts } from './builder.ts';
import { attempt, cancelled } from './runner.ts';
import type { WorkerResult, WorkerTask } from './worker-runner.ts';

function build({ path, job, cancelled: words }: WorkerTask): CheckpointFacts {
  const flag = new Int32Array(words);
  const expectWanted = (): void => {
    if (Atomics.load(flag, 0) !== 0) throw cancelled();
  };
  const directory = new NodeIo().openDirectory(path, { create: false });
  try {
    const steps = buildCheckpoint(directory, job, expectWanted);
    for (;;) {
      const { done, value } = steps.next();
      if (done === true) return value;
      if (Atomics.load(flag, 0) !== 0) steps.throw(cancelled());
    }
  } finally {
    directory.close();
  }
}

const port = parentPort;
assert(port !== null, 'This module is the entry of a thread');
lowerThreadPriority();
const result = attempt(() => build(workerData as WorkerTask));
const said: WorkerResult = result instanceof KLaniError ? { fault: { code: result.code, message: result.message } } : { facts: result };
port.postMessage(said);
