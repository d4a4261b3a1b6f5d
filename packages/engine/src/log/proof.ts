/**
 * Proofs of how far a log had come: files beside it that were made when that much of it was durable.
 *
 * 1. A manifest proves the log up to its relied end.
 * 2. A checkpoint whose front is whole proves the first batch of the segment that it is named for: its builder made sure of the log up to there
 *    before the file had its name. It proves that whether it can be used or not.
 * 3. A log of the same database that ends before is damaged. Of a log of another database, or with segments of another size, nothing is proven.
 * 4. Proofs are read before the log is: what they prove of a log that goes on meanwhile was durable before.
 */
import { KLaniError } from '@k-lani/protocol';
import type { Directory } from '../io/io.ts';
import { BATCH_HEADER_SIZE } from './batch.ts';
import { checkpointName, checkpointNames, readPlace, type CheckpointPlace } from './checkpoint-front.ts';
import { MANIFEST_NAME, type Manifest } from './manifest.ts';
import { SEGMENT_HEADER_SIZE, isSegmentSize, segmentName } from './segment.ts';

/** What one file proves. */
export interface LogProof {
  /** Of the file. */
  readonly name: string;
  readonly databaseId: Uint8Array;
  readonly segmentSizeBytes: number;
  /** What begins before this position was durable. */
  readonly end: number;
}

/** What a checkpoint proves, and where exactly the log before its segment ends. */
export interface CheckpointProof extends LogProof {
  readonly place: CheckpointPlace;
}

/** A log as it was found. */
export interface FoundLog {
  readonly databaseId: Uint8Array;
  readonly segmentSizeBytes: number;
  /** Where its batches end. */
  readonly end: number;
  /** The last segment that has begun. */
  readonly lastSegment: number;
}

/** What the checkpoints in a directory prove. One that cannot be read proves nothing. */
export function checkpointProofs(directory: Directory): CheckpointProof[] {
  return checkpointNames(directory).flatMap((name) => proofOf(directory, name) ?? []);
}

/** What a manifest proves of a log with segments of `segmentSizeBytes`. */
export function manifestProof({ databaseId, reliedEnd }: Manifest, segmentSizeBytes: number): LogProof {
  return { name: MANIFEST_NAME, databaseId, segmentSizeBytes, end: reliedEnd };
}

/** Whether a proof is one of the log with this id and size of segments. */
export function isProofOf(proof: LogProof, log: { readonly databaseId: Uint8Array; readonly segmentSizeBytes: number }): boolean {
  return proof.segmentSizeBytes === log.segmentSizeBytes && proof.databaseId.every((byte, index) => log.databaseId[index] === byte);
}

/** @throws {KLaniError} Damaged when the log, `undefined` where none has begun, ends before what is proven of it */
export function expectProven({ path }: Directory, log: FoundLog | undefined, proofs: readonly LogProof[]): void {
  for (const proof of proofs) {
    const { name, segmentSizeBytes, end } = proof;
    if (log !== undefined && (log.end >= end || !isProofOf(proof, log))) continue;
    const index = Math.floor((end - 1) / segmentSizeBytes);
    const hasBegun = log !== undefined && log.lastSegment >= index;
    const offset = hasBegun ? Math.max(SEGMENT_HEADER_SIZE, log.end - index * segmentSizeBytes) : 0;
    const found = log === undefined ? 'no log is here' : `the log ends at position ${log.end}`;
    const what = `${found}, and ${name} proves that it went on to ${end}`;
    throw new KLaniError('Damaged', `Cannot open ${path}/${segmentName(index)}: damaged at offset ${offset}: ${what}`);
  }
}

function proofOf(directory: Directory, name: string): CheckpointProof | undefined {
  const place = placeIn(directory, name);
  if (place === undefined || name !== checkpointName(place.segment) || !isSegmentSize(place.segmentSizeBytes)) return undefined;
  const { databaseId, segmentSizeBytes, segment } = place;
  return { name, databaseId, segmentSizeBytes, end: segment * segmentSizeBytes + SEGMENT_HEADER_SIZE + BATCH_HEADER_SIZE, place };
}

function placeIn(directory: Directory, name: string): CheckpointPlace | undefined {
  try {
    const file = directory.openFile(name, 'read');
    try {
      const read = readPlace(file);
      return typeof read === 'string' ? undefined : read.place;
    } finally {
      file.close();
    }
  } catch (error) {
    // One that cannot be read is as good as none, and so is one that was removed meanwhile.
    if (error instanceof KLaniError) return undefined;
    throw error;
  }
}
