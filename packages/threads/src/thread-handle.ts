/**
 * What a thread needs to attach to a database of another one, and how it calls there.
 *
 * A handle is plain data, good for any number of threads of its process until the database is closed. To attach, a thread makes a channel
 * and sends its other side to the owner's thread, by the number of that thread.
 */
import type { ChannelSide } from '@k-lani/base';
import type { SharedHandle } from '@k-lani/engine';
import { KLaniError } from '@k-lani/protocol';

/** Where a database can be attached to: made by `share`, taken by `attach`. Can be posted to a worker, or be in its `workerData`. */
export interface ThreadHandle {
  readonly processId: number;
  /** The thread that has the database open. */
  readonly threadId: number;
  /** Tells the databases of that thread apart. */
  readonly sharing: number;
  /** Wakes that thread for whatever has come over any of its channels. */
  readonly bell: SharedArrayBuffer;
  readonly memory: SharedHandle;
}

/** The message with which a thread calls. */
export interface Dial {
  readonly kLaniSharing: number;
  readonly channel: ChannelSide;
}

/** Whether a message that has come to this thread is a call. */
export function isDial(message: unknown): message is Dial {
  return typeof message === 'object' && message !== null && 'kLaniSharing' in message && 'channel' in message;
}

/** @throws {KLaniError} InvalidArgument for what is no handle of this process */
export function checkHandle(handle: unknown): asserts handle is ThreadHandle {
  const { processId, threadId, sharing, bell, memory } = (handle ?? {}) as Partial<ThreadHandle>;
  const isHandle =
    [processId, threadId, sharing].every(Number.isInteger) && bell instanceof SharedArrayBuffer && typeof memory === 'object';
  if (!isHandle) {
    throw new KLaniError('InvalidArgument', 'Cannot attach: the handle must be what share() gave');
  }
  if (processId !== process.pid) {
    throw new KLaniError('InvalidArgument', `Cannot attach: the handle is of process ${processId}, must be of this one, ${process.pid}`);
  }
}
