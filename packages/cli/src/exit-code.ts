/** The exit codes of the command: one table, from which `k-lani help exit-codes` and `docs/operations.md` take theirs. */
import { type ErrorCode, KLaniError } from '@k-lani/protocol';

/** What the command ends with. */
export const ExitCode = {
  done: 0,
  failed: 1,
  usage: 2,
  damaged: 3,
  notFound: 4,
  notNow: 5,
  unknown: 6,
  partly: 7,
  bug: 70,
  interrupted: 130,
  readerGone: 141,
  terminated: 143,
} as const;

/** The number of an exit code. */
export type ExitCodeNumber = (typeof ExitCode)[keyof typeof ExitCode];

/** What each exit code says, in the order of the numbers. */
export const EXIT_CODE_MEANINGS: readonly { readonly code: ExitCodeNumber; readonly meaning: string }[] = [
  {
    code: ExitCode.done,
    meaning: 'Done. For `serve`: ended in good order by a signal. For `bench` and `demo`: nothing was sold twice or lost.',
  },
  {
    code: ExitCode.failed,
    meaning: 'Refused, and asking the same again will be refused again. For `bench` and `demo`: the count found something wrong.',
  },
  { code: ExitCode.usage, meaning: 'The command line or the configuration is wrong. Nothing was begun.' },
  { code: ExitCode.damaged, meaning: 'The log is damaged; the message names file and offset.' },
  { code: ExitCode.notFound, meaning: 'The row, table, database or file asked for does not exist.' },
  {
    code: ExitCode.notNow,
    meaning: 'Not now: no server there, directory or port in use, row locked, disk full. Nothing was changed; asking again can help.',
  },
  { code: ExitCode.unknown, meaning: 'The answer did not come; a write may have happened. The message says how to find out.' },
  {
    code: ExitCode.partly,
    meaning:
      'Some rows of the input were refused, each with its line and reason; the others are stored. For `repair`: something is lost, and listed.',
  },
  { code: ExitCode.bug, meaning: 'A bug in k-lani; the stack trace is for its report.' },
  { code: ExitCode.interrupted, meaning: 'Interrupted (SIGINT). For `serve`: a second signal ended it before it had finished.' },
  { code: ExitCode.readerGone, meaning: 'Whoever read the output went away, as `head` does.' },
  { code: ExitCode.terminated, meaning: 'Terminated (SIGTERM). For `serve`: a second signal ended it before it had finished.' },
];

const BY_ERROR: ReadonlyMap<ErrorCode, ExitCodeNumber> = new Map([
  ['InvalidArgument', ExitCode.usage],
  ['InvalidConfiguration', ExitCode.usage],
  ['Damaged', ExitCode.damaged],
  ['ChecksumMismatch', ExitCode.damaged],
  ['NotFound', ExitCode.notFound],
  ['UnknownTable', ExitCode.notFound],
  ['Io', ExitCode.failed],
]);

const BY_RETRY = { never: ExitCode.failed, safe: ExitCode.notNow, unknown: ExitCode.unknown } as const;

/** The exit code for whatever a command threw. */
export function exitCodeOf(error: unknown): ExitCodeNumber {
  if (!(error instanceof KLaniError)) return ExitCode.bug;
  return BY_ERROR.get(error.code) ?? BY_RETRY[error.retry];
}
