/** The share of the processor that a thread gets when others want it too. */
import { constants, setPriority } from 'node:os';

/** The thread that calls, to the system. */
const THIS_THREAD = 0;

/**
 * Lets every other thread go before this one. Only on Linux: elsewhere the system knows no priority of a thread, and that of the process would
 * be lowered.
 */
export function lowerThreadPriority(): void {
  if (process.platform === 'linux') setPriority(THIS_THREAD, constants.priority.PRIORITY_LOW);
}
