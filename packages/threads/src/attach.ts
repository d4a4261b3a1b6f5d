/** The door for the other threads of a process whose database is open in one. */
import { threadId } from 'node:worker_threads';
import { NodeClock, NodeRandom, attachReader } from '@k-lani/engine';
import { KLaniError } from '@k-lani/protocol';
import { type Environment, openClient } from 'k-lani-client';
import { AttachedDatabase } from './attached-database.ts';
import { checkHandle, type ThreadHandle } from './thread-handle.ts';
import { ThreadTransport } from './thread-transport.ts';

const TIMEOUT_MS = 30_000;

/** The largest `blockMsMax`, milliseconds. */
const BLOCK_MS_MAX = 1000;

/** Options of {@link attach}; every one has a default. */
export interface AttachOptions {
  /** Who writes, for the history: at most 64 bytes of UTF-8; `thread` and its number unless given. */
  readonly name?: string;
  /** How long a call waits for its answer unless it says otherwise, milliseconds; 30,000 unless given. */
  readonly timeoutMs?: number;
  /** Calls that may wait for their answers at once; the next one is `Overloaded`. 65,536 unless given. */
  readonly pendingCallsMax?: number;
  /**
   * How long answers may be waited for with the thread blocked, before its event loop has a turn again, milliseconds, at most 1,000. For threads
   * that do one thing at a time: it costs them less than a way through the event loop, during which nothing else happens. 0 unless given: never.
   */
  readonly blockMsMax?: number;
}

/**
 * Uses, in this thread, a database that another thread of the process has open: reads are synchronous and come from shared memory, writes
 * and locks go through the thread that has it open, over bounded rings in shared memory.
 *
 * @example
 * const database = await attach(workerData);
 * const table = await database.table(seats);
 * const sale = await table.claim({ where: [{ field: 'is_booked', eq: 0 }], set: { is_booked: 1 } });
 *
 * @param handle what `share` gave in that thread
 * @throws {KLaniError} LimitReached where `ATTACHED_THREADS_MAX` threads are attached; Closed where the database is closed; InvalidArgument for a
 *   handle of another process, or in the thread that has the database open; TimedOut; Unsupported
 */
export async function attach(handle: ThreadHandle, options: AttachOptions = {}): Promise<AttachedDatabase> {
  checkHandle(handle);
  const { name = `thread ${threadId}`, timeoutMs = TIMEOUT_MS, blockMsMax = 0 } = options;
  if (!(blockMsMax >= 0 && blockMsMax <= BLOCK_MS_MAX)) {
    throw new KLaniError('InvalidArgument', `Cannot attach: blockMsMax is ${blockMsMax}, must be 0 to ${BLOCK_MS_MAX}`);
  }
  const clock = new NodeClock();
  const transport = await ThreadTransport.dial(handle, { clock, timeoutMs, blockMsMax });
  try {
    const client = await openClient(transport, 'thread:', { ...options, name, timeoutMs, environment: environmentOf(clock) });
    return new AttachedDatabase(attachReader(handle.memory, { clock }), client, transport);
  } catch (error) {
    transport.close();
    throw error;
  }
}

/** Time and chance for the client; its timers do not keep a thread from ending. */
function environmentOf(clock: NodeClock): Environment {
  return {
    random: new NodeRandom(),
    monotonicMs: () => clock.monotonicMs(),
    startTimer(delayMs, callback) {
      let isStopped = false;
      clock.after(delayMs, () => {
        if (!isStopped) callback();
      });
      return () => {
        isStopped = true;
      };
    },
  };
}
