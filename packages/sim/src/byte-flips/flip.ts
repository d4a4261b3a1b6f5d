/**
 * Flips bits of one byte and says what became of it:
 *
 * | outcome | what it means |
 * | --- | --- |
 * | opening | the database does not open, and says file and offset |
 * | reading | it opens, and whatever would need the byte is refused |
 * | verify | it opens and shows exactly what it must: nothing that is shown depends on the byte; `verify` says file and offset |
 * | rebuilt | the file only holds what follows from others: it shows exactly what it must |
 * | passed over | the byte concerns nothing: it shows exactly what it must |
 * | last batch | the last batch of a killed database is taken for a torn write: it shows exactly what it must without that |
 * | wrong | anything else: damage was read as data, or not told |
 */
import { checkCheckpoints, verifyLog } from '@k-lani/engine';
import { KLaniError } from '@k-lani/protocol';
import { MemoryIo, type Files } from './memory-io.ts';
import { copyOf, openFiles, shown, type Subject } from './subject.ts';

export const OUTCOMES = ['opening', 'reading', 'verify', 'rebuilt', 'passed over', 'last batch', 'wrong'] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** What became of a flip, and why. */
export interface Fate {
  readonly outcome: Outcome;
  /** For what was passed over or is wrong. */
  readonly why: string;
}

/** Which bits of which byte. */
export interface Flip {
  readonly file: string;
  readonly offset: number;
  /** Exclusive or with the byte; not 0. */
  readonly mask: number;
}

/**
 * Judges a flip without opening the database, where an opening is known to be the same as one that was tried: of zeros behind the batches,
 * `verify` must count the very same batches; a checkpoint must be refused, as the one was with which an opening was tried.
 */
export function fateUnopened(subject: Subject, flip: Flip): Fate {
  if (!isCheckpoint(flip)) return harmless(subject, flip);
  const checks = checkCheckpoints('/memory', { io: new MemoryIo(flipped(subject.files, flip)) });
  const isRefused = checks.some(({ name, fault }) => name === flip.file && fault !== undefined);
  return isRefused ? harmless(subject, flip) : wrong('the checkpoint is believed');
}

/** Whether the byte is one of many of which an opening makes nothing: zeros behind the batches, or a checkpoint. */
export function isAlike(subject: Subject, flip: Flip): boolean {
  return isCheckpoint(flip) || isZero(subject, flip);
}

function isCheckpoint({ file }: Flip): boolean {
  return file.endsWith('.checkpoint');
}

/** Whether a byte lies in a log file where no batch is. */
function isZero({ files, ends }: Subject, { file, offset }: Flip): boolean {
  return file.endsWith('.segment') && files.has(file) && offset >= (ends.get(file) ?? 0);
}

/** Flips, opens, reads everything, and judges. */
export async function fateOf(subject: Subject, flip: Flip): Promise<Fate> {
  const files = flipped(subject.files, flip);
  let text: string;
  try {
    const database = await openFiles(files, subject.options);
    try {
      text = await shown(database);
    } catch (error) {
      if (!(error instanceof KLaniError)) throw error;
      return error.code === 'ChecksumMismatch' && names(error, flip) ? { outcome: 'reading', why: '' } : wrong(error.message);
    } finally {
      await database.close();
    }
  } catch (error) {
    if (!(error instanceof KLaniError)) return wrong(error instanceof Error ? (error.stack ?? error.message) : String(error));
    const isTold = error.code === 'Damaged' || error.code === 'ChecksumMismatch';
    return isTold && names(error, flip) ? { outcome: 'opening', why: '' } : wrong(error.message);
  }
  if (text === subject.model) return harmless(subject, flip);
  if (text === subject.modelBefore && isInLastBatch(subject, flip)) return { outcome: 'last batch', why: 'nothing proves it' };
  return wrong('it shows something else than it must');
}

/** What was flipped changed nothing that is shown: it must be told, or concern nothing. */
function harmless(subject: Subject, flip: Flip): Fate {
  const { file } = flip;
  if (file === 'lock') return { outcome: 'rebuilt', why: 'the process id in it is for messages' };
  if (isCheckpoint(flip)) return { outcome: 'rebuilt', why: 'a cache of the log' };
  if (file.startsWith('next.')) return { outcome: 'rebuilt', why: 'not yet part of the log; made anew' };
  let tornBytes: number;
  try {
    const { tornBytes: torn, ...rest } = verifyLog('/memory', { io: new MemoryIo(flipped(subject.files, flip)) });
    tornBytes = torn;
    if (!isInLastBatch(subject, flip) && JSON.stringify(rest) !== subject.report)
      return wrong('verify counts other batches than there are');
  } catch (error) {
    if (!(error instanceof KLaniError) || error.code !== 'Damaged') throw error;
    return names(error, flip) ? { outcome: 'verify', why: '' } : wrong(error.message);
  }
  if (isInLastBatch(subject, flip)) return { outcome: 'passed over', why: 'the mark of the clean end: no data' };
  if (!isZero(subject, flip)) return wrong('nothing tells it');
  if (tornBytes > 0) return { outcome: 'passed over', why: 'prepared zeros: taken for a torn write, the log goes on in the next segment' };
  return { outcome: 'passed over', why: 'zeros behind the last batch of a full segment: the next one says where it ends' };
}

function flipped(files: Files, { file, offset, mask }: Flip): Files {
  const copy = copyOf(files);
  const bytes = copy.get(file);
  if (bytes === undefined || bytes[offset] === undefined) throw new Error(`there is no byte ${offset} in ${file}`);
  bytes[offset] ^= mask;
  return copy;
}

/** Whether the message has the file that was flipped, and an offset not behind the byte. */
function names({ message }: KLaniError, { file, offset }: Flip): boolean {
  const told = /([\w.]+)(?: is|:) damaged at (?:or before )?offset (\d+)/.exec(message);
  return told?.[1] === file && Number(told[2]) <= offset;
}

function isInLastBatch({ lastBatch }: Subject, { file, offset }: Flip): boolean {
  return file === lastBatch.file && offset >= lastBatch.start && offset < lastBatch.end;
}

function wrong(why: string): Fate {
  return { outcome: 'wrong', why };
}
