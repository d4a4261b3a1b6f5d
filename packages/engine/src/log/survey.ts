/**
 * What can be told of a damaged log from the outsides of its files: which segments there are, which there must have been, and how much of each is
 * known to have been durable.
 *
 * 1. A segment's header, its first batch, or the checkpoint before it tells where exactly the log before it ends.
 * 2. What a manifest or a checkpoint proves (`proof.ts`) and is not there is lost. How much stood behind that in the same segment nobody knows:
 *    where it is zeros up to the segment's end, all of them count as lost.
 * 3. A manifest that is not whole was there because segments were given up: whether those before the first that is there were, or are lost,
 *    is not guessed.
 */
import { KLaniError } from '@k-lani/protocol';
import type { Directory } from '../io/io.ts';
import { BATCH_HEADER_SIZE, decodeBatchHeader } from './batch.ts';
import { MANIFEST_NAME, readManifest, type Manifest } from './manifest.ts';
import { checkpointProofs, isProofOf, manifestProof, type CheckpointProof, type LogProof } from './proof.ts';
import { SEGMENT_HEADER_SIZE, checkSegmentSize, decodeSegmentHeader, segmentIndexOf, segmentName, type SegmentHeader } from './segment.ts';

/** What the header of a damaged record says; it may be what is damaged. */
interface DamagedRecord {
  readonly tableId: number;
  readonly rowId: number;
  readonly version: number;
}

/** Bytes of the log that are lost. */
export interface Damage {
  readonly file: string;
  readonly offset: number;
  readonly length: number;
  readonly what: string;
  /** Bytes of it of which nothing tells what rows they held. */
  readonly unknownBytes: number;
  readonly record: DamagedRecord | undefined;
}

/** How much of a segment is known to have been durable. */
interface Proven {
  /** What begins before this offset was; 0 for nothing. */
  readonly end: number;
  /** What stood behind: no part of the log; whatever is not zeros, because a later segment had begun; or that is unknown. */
  readonly behind: 'nothing' | 'used' | 'unknown';
}

export interface SurveyedFile {
  readonly index: number;
  readonly sizeBytes: number;
  readonly header: SegmentHeader | undefined;
  readonly proven: Proven;
}

export interface Survey {
  /** `undefined` where nothing tells it any more. */
  readonly databaseId: Uint8Array | undefined;
  readonly segmentSizeBytes: number;
  readonly manifest: Manifest | undefined;
  readonly files: readonly SurveyedFile[];
  /** The last segment that is there, or is proven to have begun. */
  readonly lastSegment: number;
  /** How many segments are not there before the first that is, of which nothing tells whether they were given up or are lost. */
  readonly untoldSegments: number;
  /** What is wrong with the set of files. */
  readonly damage: readonly Damage[];
}

/** A segment file, before it is held against the others. */
interface Peeked {
  readonly index: number;
  readonly sizeBytes: number;
  readonly header: SegmentHeader | undefined;
  /** Position where the log before the segment ends, if the segment can still tell. */
  readonly previousEnd: number | undefined;
}

/** What is known of a log besides its segments. */
interface Known {
  readonly segmentSizeBytes: number;
  /** Where the log before a segment ends, by rising segment. */
  readonly ends: readonly { readonly segment: number; readonly previousEnd: number }[];
  /** What proves the log to have come farthest, if anything does. */
  readonly farthest: LogProof | undefined;
}

/**
 * Looks at the files of a log.
 *
 * @throws {KLaniError} NotFound where there is no segment; InvalidArgument where none has a size that segments have; FormatUnsupported; Io
 */
export function survey(directory: Directory): Survey {
  const damage: Damage[] = [];
  const proofs = checkpointProofs(directory);
  const { manifest, isWhole } = manifestOf(directory);
  const indexes = directory.list().flatMap((name) => segmentIndexOf(name) ?? []);
  const kept = indexes.filter((index) => index >= (manifest?.firstSegment ?? 1)).toSorted((a, b) => a - b);
  const peeked = kept.map((index) => peek(directory, index));
  const headers = peeked.flatMap(({ header }) => header ?? []);
  const segmentSizeBytes = mostFrequent(headers.length > 0 ? headers.map((one) => one.sizeBytes) : peeked.map((one) => one.sizeBytes));
  const idOfHeaders = mostFrequent(headers.map((one) => Buffer.from(one.databaseId).toString('hex')));
  const databaseId = idOfHeaders === undefined ? manifest?.databaseId : Buffer.from(idOfHeaders, 'hex');
  if (segmentSizeBytes === undefined) throw new KLaniError('NotFound', `Cannot repair ${directory.path}: no segment is in it`);
  checkSegmentSize(segmentSizeBytes);
  const own = peeked.filter(({ index, header }) => {
    const isForeign = header !== undefined && Buffer.compare(header.databaseId, databaseId ?? header.databaseId) !== 0;
    if (isForeign) damage.push(lost(index, { offset: 0, length: segmentSizeBytes, what: 'the segment belongs to another database' }));
    return !isForeign;
  });
  const log = databaseId === undefined ? undefined : { databaseId, segmentSizeBytes };
  const known = knownOf(own, {
    segmentSizeBytes,
    manifest,
    proofs: log === undefined ? [] : proofs.filter((proof) => isProofOf(proof, log)),
  });
  const firstThere = own[0]?.index ?? 1;
  const untoldSegments = isWhole ? 0 : firstThere - 1;
  if (!isWhole) damage.unshift(brokenManifest(untoldSegments));
  damage.push(...missing(own, { first: isWhole ? (manifest?.firstSegment ?? 1) : firstThere, known }));
  return {
    databaseId,
    segmentSizeBytes,
    manifest,
    files: own.map(({ index, sizeBytes, header }) => ({ index, sizeBytes, header, proven: provenOf(index, known) })),
    lastSegment: Math.max(lastProven(known), ...indexes),
    untoldSegments,
    damage,
  };
}

/** A lost part of a segment, of which nothing tells what it held. */
export function lost(index: number, { offset, length, what }: Pick<Damage, 'offset' | 'length' | 'what'>): Damage {
  return { file: segmentName(index), offset, length, what, unknownBytes: length, record: undefined };
}

function manifestOf(directory: Directory): { manifest: Manifest | undefined; isWhole: boolean } {
  try {
    return { manifest: readManifest(directory), isWhole: true };
  } catch (error) {
    if (!(error instanceof KLaniError) || error.code !== 'Damaged') throw error;
    return { manifest: undefined, isWhole: false };
  }
}

function brokenManifest(untoldSegments: number): Damage {
  const untold = `whether segments 1 to ${untoldSegments} were given up or are lost cannot be known`;
  const what = `the manifest is not whole${untoldSegments === 0 ? '' : `: ${untold}`}`;
  return { file: MANIFEST_NAME, offset: 0, length: 0, what, unknownBytes: 0, record: undefined };
}

/** What the beginning of a segment tells. */
function peek(directory: Directory, index: number): Peeked {
  const file = directory.openFile(segmentName(index), 'read');
  try {
    const sizeBytes = file.sizeBytes();
    const bytes = new Uint8Array(SEGMENT_HEADER_SIZE + BATCH_HEADER_SIZE);
    file.read(bytes, 0);
    const header = decodeSegmentHeader(bytes, file.path);
    if (header !== undefined) return { index, sizeBytes, header, previousEnd: header.previousEnd };
    const source = { bytes, view: new DataView(bytes.buffer) };
    const first = decodeBatchHeader(source, SEGMENT_HEADER_SIZE, { position: index * sizeBytes + SEGMENT_HEADER_SIZE, salt: undefined });
    return { index, sizeBytes, header, previousEnd: first?.durable };
  } finally {
    file.close();
  }
}

function knownOf(
  files: readonly Peeked[],
  { segmentSizeBytes, manifest, proofs }: { segmentSizeBytes: number; manifest: Manifest | undefined; proofs: readonly CheckpointProof[] },
): Known {
  const ofFiles = files.flatMap(({ index, previousEnd }) => (previousEnd === undefined ? [] : [{ segment: index, previousEnd }]));
  const told = new Set(ofFiles.map(({ segment }) => segment));
  const ofCheckpoints = proofs.flatMap(({ place: { segment, end } }) => (told.has(segment) ? [] : [{ segment, previousEnd: end }]));
  const relied = manifest === undefined || manifest.isArchive ? [] : [manifestProof(manifest, segmentSizeBytes)];
  return {
    segmentSizeBytes,
    ends: [...ofFiles, ...ofCheckpoints].toSorted((a, b) => a.segment - b.segment),
    farthest: [...relied, ...proofs].toSorted((a, b) => b.end - a.end)[0],
  };
}

function provenOf(index: number, { segmentSizeBytes, ends, farthest }: Known): Proven {
  const following = ends.find(({ segment }) => segment > index);
  const end = (following?.previousEnd ?? farthest?.end ?? 0) - index * segmentSizeBytes;
  if (end > segmentSizeBytes) return { end: segmentSizeBytes, behind: 'used' };
  return { end: end > SEGMENT_HEADER_SIZE ? end : 0, behind: following === undefined ? 'unknown' : 'nothing' };
}

/** The last segment that is proven to have begun; 0 for none. */
function lastProven({ segmentSizeBytes, farthest }: Known): number {
  return farthest === undefined ? 0 : Math.floor((farthest.end - 1) / segmentSizeBytes);
}

/** Segments that are not there although others tell of them, or a proof does. */
function missing(files: readonly Peeked[], { first, known }: { first: number; known: Known }): Damage[] {
  const there = new Set(files.map(({ index }) => index));
  const lastThere = files.at(-1)?.index ?? 0;
  const damage: Damage[] = [];
  for (let index = first; index <= Math.max(lastThere, lastProven(known)); index += 1) {
    if (there.has(index)) continue;
    const proof = index > lastThere ? `: ${known.farthest?.name ?? ''} proves that it had begun` : '';
    damage.push(lost(index, { offset: 0, length: known.segmentSizeBytes, what: `the segment is missing${proof}` }));
  }
  return damage;
}

function mostFrequent<Value>(values: readonly Value[]): Value | undefined {
  const counts = new Map<Value, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].toSorted(([, a], [, b]) => b - a)[0]?.[0];
}
