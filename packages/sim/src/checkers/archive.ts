/**
 * The archive and what is kept are the whole hash chain: every batch ever written that counts is in the log, or in the archive where the log begins
 * later, byte for byte; and what is in the archive verifies.
 */
import type { Checker } from '../record/evidence.ts';

export const archive: Checker = {
  name: 'archive',
  check({ kept, truth }, report) {
    if (kept === undefined) return 0;
    const { segmentBytes, segments } = kept;
    const { begin } = truth;
    if (kept.archive?.verified.fault !== undefined) report(`the archive was found damaged: ${kept.archive.verified.fault}`);
    let checks = 0;
    for (const { position, end, bytes } of truth.batches) {
      const isGivenUp = position < begin;
      if (isGivenUp && kept.archive === undefined) continue;
      checks += 1;
      const file = (isGivenUp ? kept.archive?.segments : segments)?.get(Math.floor(position / segmentBytes));
      const start = position % segmentBytes;
      if (file === undefined || Buffer.compare(file.subarray(start, start + end - position), bytes) !== 0)
        report(`the batch at ${position} is not in the ${isGivenUp ? 'archive' : 'log'} as it was written`);
    }
    return checks;
  },
};
