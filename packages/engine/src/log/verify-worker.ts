/** A thread of `verifyLogInThreads`: verifies the runs that it is sent, one after the other. */
import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '@k-lani/base';
import { KLaniError } from '@k-lani/protocol';
import { NodeIo } from '../io/node-io.ts';
import { verifyRange, type RangeReport, type VerifyRange } from './verify-range.ts';

/** What comes back for a run. An error as its code and message: classes do not pass between threads. */
export type RangeOutcome = { readonly report: RangeReport } | { readonly code: KLaniError['code']; readonly message: string };

const port = parentPort;
assert(port !== null, 'This module is the entry of a thread');
let memory = new Uint8Array(0);
const directory = new NodeIo().openDirectory(String(workerData), { create: false });

port.on('message', (range: VerifyRange) => {
  port.postMessage(outcomeOf(range));
});

function outcomeOf(range: VerifyRange): RangeOutcome {
  try {
    const sizeBytes = range.files.find(({ header }) => header !== undefined)?.header?.sizeBytes ?? 0;
    if (memory.length !== sizeBytes) memory = new Uint8Array(sizeBytes);
    return { report: verifyRange(directory, range, { memory }) };
  } catch (error) {
    if (!(error instanceof KLaniError)) throw error;
    return { code: error.code, message: error.message };
  }
}
