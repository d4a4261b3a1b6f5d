/**
 * The anchor: position and hash of one batch header. It stands for everything in the log up to that batch: kept elsewhere, it shows whether
 * what it covers was changed or cut off later.
 */
import { KLaniError } from '@k-lani/protocol';
import { HASH_SIZE } from './batch.ts';

const ANCHOR_PATTERN = /^(\d{1,16}):([0-9a-f]{64})$/i;

export interface Anchor {
  /** Of the batch. */
  readonly position: number;
  /** SHA-256 of its header. */
  readonly hash: Uint8Array;
}

/** `lsn:hash`, the hash in 64 hexadecimal digits. */
export function anchorText({ position, hash }: Anchor): string {
  return `${position}:${Buffer.from(hash).toString('hex')}`;
}

/** @throws {KLaniError} InvalidArgument unless `text` is what `anchorText` gives */
export function parseAnchor(text: string): Anchor {
  const [, position, hash] = ANCHOR_PATTERN.exec(text) ?? [];
  if (hash === undefined || !Number.isSafeInteger(Number(position))) {
    throw new KLaniError(
      'InvalidArgument',
      `Cannot read anchor: it is ${JSON.stringify(text)}, must be lsn:hash with ${HASH_SIZE * 2} hexadecimal digits`,
    );
  }
  return { position: Number(position), hash: Uint8Array.from(Buffer.from(hash, 'hex')) };
}
