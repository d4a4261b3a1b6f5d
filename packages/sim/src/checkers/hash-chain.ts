/**
 * The hash chain is intact: a check of the whole log finds nothing wrong whenever it is made, and comes to the same head as the bytes that were
 * written; every batch names the hash of the one before, and written bytes never change.
 */
import { hash } from 'node:crypto';
import type { Checker } from '../record/evidence.ts';
import type { TrueBatch } from '../record/log-truth.ts';

const HEADER_BYTES = 128;
const RECORDS_HASH_OFFSET = 64;
const PREVIOUS_HASH_OFFSET = 96;
const HASH_BYTES = 32;

export const hashChain: Checker = {
  name: 'hash chain',
  check({ truth, verifications, calmOrder }, report) {
    let checks = 0;
    for (const breach of truth.breaches) report(breach);
    let before = '0'.repeat(2 * HASH_BYTES);
    for (const batch of truth.batches) {
      checks += 1;
      if (hexAt(batch, PREVIOUS_HASH_OFFSET) !== before) report(`the batch at ${batch.position} does not name the hash of the one before`);
      const records = hash('sha256', batch.bytes.subarray(HEADER_BYTES), 'hex');
      if (hexAt(batch, RECORDS_HASH_OFFSET) !== records) report(`the batch at ${batch.position} does not name the hash of its records`);
      before = headerHash(batch);
    }
    const heads = new Set(truth.batches.map((batch) => headerHash(batch)));
    const lost = new Set(truth.lost.map((batch) => headerHash(batch)));
    for (const { order, fault, headHash, batches } of verifications) {
      checks += 1;
      if (fault !== undefined) report(`the log was found damaged by event ${order}: ${fault}`);
      else if (batches > 0 && !heads.has(headHash) && !lost.has(headHash))
        report(`the log that was checked by event ${order} ends with a batch that nobody wrote`);
      else if (order > calmOrder && headHash !== before)
        report(`the log that was checked by event ${order} does not end with the last batch`);
    }
    return checks;
  },
};

function headerHash({ bytes }: TrueBatch): string {
  return hash('sha256', bytes.subarray(0, HEADER_BYTES), 'hex');
}

function hexAt({ bytes }: TrueBatch, offset: number): string {
  return Buffer.from(bytes.subarray(offset, offset + HASH_BYTES)).toString('hex');
}
