/**
 * Every error that k-lani answers: one table, from which `docs/errors.md` is generated. Numbers below 100 are those of the published
 * engine; k-lani's own begin at 100. A number is never given to another meaning.
 */

/** Whether asking again can help: `safe` nothing was changed and it can, `never` it cannot, `unknown` the change may have happened. */
export type Retry = 'never' | 'safe' | 'unknown';

interface ErrorDescription {
  readonly number: number;
  readonly retry: Retry;
  /** What has happened. */
  readonly meaning: string;
  /** What to do about it. */
  readonly remedy: string;
}

/** Code, wire number, whether to ask again, meaning and remedy of every error. */
export const ERRORS = {
  NotFound: {
    number: 1,
    retry: 'never',
    meaning: 'No row has this id, or the row is deleted; or no database is at this path, or no process has it open.',
    remedy:
      'Check the row id or the path; `history` shows a deleted row; `openReader` needs a process that has the database open for writing.',
  },
  AlreadyLocked: {
    number: 2,
    retry: 'safe',
    meaning: 'Another session holds the lock of this row.',
    remedy: 'Take another row, or ask again after `retryAfterMs`. Nothing queues behind a row.',
  },
  NotLocked: {
    number: 3,
    retry: 'never',
    meaning: 'The write needs a lock of this session (or `ifVersion`), and there is none: never taken, given back, or its session ended.',
    remedy: 'Lock the row, read it again under the lock, then write.',
  },
  ChecksumMismatch: {
    number: 4,
    retry: 'never',
    meaning: 'Stored bytes do not match their checksum: the record is damaged.',
    remedy: 'Run `k-lani verify`, and restore the file it names from a backup. The bytes were not returned.',
  },
  Io: {
    number: 5,
    retry: 'unknown',
    meaning: 'The operating system refused a file or socket operation.',
    remedy: "Read the cause; it carries the system's own code and the path.",
  },
  FieldOverflow: {
    number: 6,
    retry: 'never',
    meaning: 'A value is longer or larger than its field holds.',
    remedy: 'Shorten the value, or add a wider field.',
  },
  SchemaValidation: {
    number: 7,
    retry: 'never',
    meaning: 'A schema breaks a rule of schemas.',
    remedy: 'Correct the schema.',
  },
  Protocol: {
    number: 10,
    retry: 'never',
    meaning: 'A frame breaks the protocol; the connection is closed.',
    remedy: 'Update the client, or check that the port belongs to k-lani.',
  },
  AuthFailed: {
    number: 20,
    retry: 'never',
    meaning: 'The credentials of the handshake were refused.',
    remedy: "Check the credentials and the server's configuration.",
  },
  UnknownTable: {
    number: 30,
    retry: 'never',
    meaning: 'The database has no table of this name.',
    remedy: 'List the tables; create it first.',
  },
  InvalidHandle: {
    number: 31,
    retry: 'never',
    meaning: 'The table handle was not opened by this session, or is closed.',
    remedy: 'Open the table in this session.',
  },
  UnknownField: {
    number: 32,
    retry: 'never',
    meaning: 'The table has no field of this name or number.',
    remedy: "Show the table's schema.",
  },
  FieldNotIndexed: {
    number: 33,
    retry: 'never',
    meaning: 'The query asks a field that has no index of the kind it needs.',
    remedy: 'Index the field when the table is created, or scan and filter.',
  },
  ResultSetEstimateExceeded: {
    number: 35,
    retry: 'never',
    meaning: 'The answer would be longer than the limit for one answer.',
    remedy: 'Set a smaller limit, add terms, or stream.',
  },
  InvalidCursor: {
    number: 100,
    retry: 'never',
    meaning: 'The cursor was not opened by this session, is closed, or was left idle.',
    remedy: 'Open a new cursor.',
  },
  Truncated: {
    number: 101,
    retry: 'never',
    meaning: 'The history asked for is older than what is kept.',
    remedy: 'Keep history longer, or ask for newer versions.',
  },
  SnapshotExpired: {
    number: 102,
    retry: 'safe',
    meaning: 'The snapshot behind a cursor was held longer than its lease.',
    remedy: 'Open a new cursor and read faster, or in smaller pages.',
  },
  OperationMismatch: {
    number: 103,
    retry: 'never',
    meaning: 'The operation id was used before for another request.',
    remedy: 'Give every request an id of its own; reuse an id only to ask the same again.',
  },
  OutcomeUnknown: {
    number: 104,
    retry: 'unknown',
    meaning: 'The connection or the disk failed before the answer; the write may have happened.',
    remedy: 'Ask `operationStatus` with the operation id, or send the same request with the same id.',
  },
  BatchTooLarge: {
    number: 105,
    retry: 'never',
    meaning: 'The request does not fit into one log batch, so it cannot be all or nothing.',
    remedy: 'Split the request.',
  },
  DuplicateKey: {
    number: 106,
    retry: 'never',
    meaning: 'Another row has this value in a unique field.',
    remedy: 'Use another value, or change the other row.',
  },
  VersionMismatch: {
    number: 107,
    retry: 'safe',
    meaning: "The row's version is not the one named by `ifVersion`: somebody changed it.",
    remedy: 'Read the row again and decide anew.',
  },
  StaleToken: {
    number: 108,
    retry: 'never',
    meaning: 'The fencing token is not that of the present lock: the lease ended, or the server restarted.',
    remedy: 'Lock the row, read it again under the lock, then write.',
  },
  NoneAvailable: {
    number: 109,
    retry: 'never',
    meaning: 'No row matches the claim.',
    remedy: 'Offer something else: it is sold out for these terms.',
  },
  AllLocked: {
    number: 110,
    retry: 'safe',
    meaning: 'Rows match the claim, but others hold the locks of all of them.',
    remedy: 'Ask again after `retryAfterMs`, when the first lease ends.',
  },
  Unsupported: {
    number: 111,
    retry: 'never',
    meaning: 'The request uses a part of the protocol that this version does not carry out.',
    remedy: 'Leave the part out, or update the server.',
  },
  WriterFailed: {
    number: 112,
    retry: 'never',
    meaning: 'A sync or write failed, so this process writes no more; reads go on.',
    remedy: 'Check the disk, then restart the process: recovery keeps all that was acknowledged.',
  },
  DiskFull: {
    number: 113,
    retry: 'safe',
    meaning: 'There is no room for the next log segment; nothing was written.',
    remedy: 'Free disk space; writes go on by themselves.',
  },
  DirectoryLocked: {
    number: 114,
    retry: 'safe',
    meaning: 'Another process has this directory open for writing.',
    remedy: 'Stop the process that the message names, or use another directory.',
  },
  Damaged: {
    number: 115,
    retry: 'never',
    meaning: 'A log file is damaged at a place that was known to be durable.',
    remedy: 'Do not delete the file: it shows what happened. Restore the database from a backup.',
  },
  FormatUnsupported: {
    number: 116,
    retry: 'never',
    meaning: 'The file was written by a version with a format that this one does not read.',
    remedy: 'Use the version that wrote it, or a newer one.',
  },
  ReadOnly: {
    number: 117,
    retry: 'never',
    meaning: 'The directory cannot be written.',
    remedy: 'Check owner, permissions and mount options.',
  },
  AddressInUse: {
    number: 118,
    retry: 'safe',
    meaning: 'Another process listens on this port or socket.',
    remedy: 'Choose another one, or stop that process.',
  },
  FrameTooLarge: {
    number: 119,
    retry: 'never',
    meaning: 'A frame is longer than the limit of the receiver.',
    remedy: 'Split the request, or raise `maxFrameBytes` on the server.',
  },
  UnknownOpcode: {
    number: 120,
    retry: 'never',
    meaning: 'The frame has an opcode that the server does not know.',
    remedy: 'Update the server, or the client.',
  },
  VersionUnsupported: {
    number: 121,
    retry: 'never',
    meaning: 'Client and server have no protocol version in common.',
    remedy: 'Update the older of the two; the message names both ranges.',
  },
  FieldCountMismatch: {
    number: 122,
    retry: 'never',
    meaning: 'A row has other fields than the schema.',
    remedy: 'Give each required field once, and none that the schema does not name.',
  },
  NotANumber: { number: 123, retry: 'never', meaning: 'A number is NaN or infinite.', remedy: 'Send a finite number.' },
  InvalidUtf8: {
    number: 124,
    retry: 'never',
    meaning: 'A text is not valid UTF-8 (or not well-formed UTF-16 in JavaScript).',
    remedy: 'Encode the text as UTF-8.',
  },
  FieldOutOfRange: {
    number: 125,
    retry: 'never',
    meaning: "A value is outside the range of its field's type, or not of that type.",
    remedy: 'Give a value within the bounds.',
  },
  Overloaded: {
    number: 126,
    retry: 'safe',
    meaning: 'A queue has reached its limit; the request was not begun.',
    remedy: 'Ask again after `retryAfterMs`, with fewer requests in flight.',
  },
  LimitReached: {
    number: 127,
    retry: 'safe',
    meaning: 'A named limit on connections, locks, cursors, handles or tables is reached.',
    remedy: 'Release some, or raise the limit that the message names.',
  },
  TimedOut: {
    number: 128,
    retry: 'unknown',
    meaning: 'The answer did not come within the time-out.',
    remedy: 'For a write, ask `operationStatus`, or send the same request with the same id.',
  },
  Aborted: {
    number: 129,
    retry: 'unknown',
    meaning: "The caller's signal ended the request before its answer.",
    remedy: 'For a write, ask `operationStatus`, or send the same request with the same id.',
  },
  ConnectionLost: {
    number: 130,
    retry: 'safe',
    meaning: 'The server could not be reached; the request had no effect.',
    remedy: 'Check that the server runs, then ask again.',
  },
  SchemaMismatch: {
    number: 131,
    retry: 'never',
    meaning: 'The schema given contradicts the one stored.',
    remedy: 'The message lists the differences; correct the schema, or alter the table.',
  },
  SchemaChanged: {
    number: 132,
    retry: 'safe',
    meaning: 'The table was altered after this handle was opened; nothing was written.',
    remedy: 'Open the table again; the TypeScript client does so by itself.',
  },
  Closed: { number: 133, retry: 'never', meaning: 'The database, server or client is closed or closing.', remedy: 'Open it again.' },
  InvalidArgument: {
    number: 134,
    retry: 'never',
    meaning: 'An argument breaks a rule of the call.',
    remedy: 'Correct the argument.',
  },
  TableExists: {
    number: 135,
    retry: 'never',
    meaning: 'A table of this name exists, with another schema.',
    remedy: 'Open the table, or choose another name.',
  },
  InvalidConfiguration: {
    number: 136,
    retry: 'never',
    meaning: 'The configuration has an unknown key or an unusable value.',
    remedy: 'Correct it; `k-lani serve --help` lists every key.',
  },
  FieldRequired: {
    number: 137,
    retry: 'never',
    meaning: 'A required field is null or missing.',
    remedy: 'Give the field a value, or declare it `required: false`.',
  },
  ResponseTooLarge: {
    number: 138,
    retry: 'never',
    meaning: 'The answer is larger than the limit in bytes for one answer.',
    remedy: 'Ask for fewer rows at once.',
  },
} as const satisfies Record<string, ErrorDescription>;

/** The name of an error; stable, for programs to compare. */
export type ErrorCode = keyof typeof ERRORS;

/** Further facts of an error. */
export interface ErrorDetails {
  /** What caused it, for people. */
  readonly cause?: unknown;
  /** Milliseconds after which asking again may help. */
  readonly retryAfterMs?: number;
  /** For an unknown outcome: the id to ask with later, 32 hexadecimal digits. */
  readonly operationId?: string;
}

/** The one class of errors that k-lani throws for anything but its own bugs. Compare `code`, never the message. */
export class KLaniError extends Error {
  override readonly name = 'KLaniError';
  readonly code: ErrorCode;
  /** The number on the wire. */
  readonly number: number;
  readonly retry: Retry;
  readonly retryAfterMs: number | undefined;
  readonly operationId: string | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.number = ERRORS[code].number;
    this.retry = ERRORS[code].retry;
    this.retryAfterMs = details.retryAfterMs;
    this.operationId = details.operationId;
  }
}

const CODES_BY_NUMBER: ReadonlyMap<number, ErrorCode> = new Map(errorCodes().map((code) => [ERRORS[code].number, code]));

/** All codes, in the order of their numbers. */
export function errorCodes(): readonly ErrorCode[] {
  return (Object.keys(ERRORS) as ErrorCode[]).toSorted((a, b) => ERRORS[a].number - ERRORS[b].number);
}

/** The code of a number from the wire, or `undefined` for a number that this version does not know. */
export function errorCodeOf(number: number): ErrorCode | undefined {
  return CODES_BY_NUMBER.get(number);
}
