/** What the command does on SIGINT (Ctrl-C) and SIGTERM. */
import { ExitCode } from './exit-code.ts';

const EXIT_CODES = { SIGINT: ExitCode.interrupted, SIGTERM: ExitCode.terminated } as const;

/** The signals that ask the command to end. */
export type EndSignal = keyof typeof EXIT_CODES;

/** The exit code of a command that a signal ended. */
export function exitCodeOfSignal(signal: EndSignal): number {
  return EXIT_CODES[signal];
}

/** Ends the process on the first signal by `process.exit`, so that what hangs on its `exit` event, such as child processes, ends too. */
export function endOnSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(exitCodeOfSignal(signal)));
}

/**
 * Calls `finish` on the first signal, and ends the process at once on the second.
 *
 * @returns ends the listening
 */
export function finishOnSignals(finish: (signal: EndSignal) => void): () => void {
  let isFinishing = false;
  const onSignal = (signal: EndSignal): void => {
    if (isFinishing) process.exit(exitCodeOfSignal(signal));
    isFinishing = true;
    finish(signal);
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  return () => void process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
}
