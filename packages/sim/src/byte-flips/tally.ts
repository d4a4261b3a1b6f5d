/** Goes through the bytes of a subject's file and counts what became of each. */
import { OUTCOMES, fateOf, fateUnopened, isAlike, type Fate, type Outcome } from './flip.ts';
import type { Subject } from './subject.ts';

/** Of bytes with which openings are alike, one in so many is opened with. */
const ALIKE_OPENED = 256;

/** Wrong fates that are told of. */
const TOLD_MAX = 5;

/** Bytes of one file. */
export interface Span {
  readonly file: string;
  readonly start: number;
  readonly end: number;
  /** Every how many bytes one is flipped. */
  readonly step: number;
  /** Whether each of a byte's bits is flipped, or one of them. */
  readonly isEveryBit: boolean;
}

/** Counts by outcome and reason, and the first that were wrong. */
export class Tally {
  readonly counts = new Map<string, number>();
  readonly wrong: string[] = [];
  flips = 0;

  add({ outcome, why }: Fate, where: string): void {
    const key = JSON.stringify([outcome, outcome === 'wrong' ? '' : why]);
    this.counts.set(key, (this.counts.get(key) ?? 0) + 1);
    this.flips += 1;
    if (outcome === 'wrong' && this.wrong.length < TOLD_MAX) this.wrong.push(`${where}: ${why}`);
  }

  /** Takes what another has counted. */
  join(other: { readonly counts: ReadonlyMap<string, number>; readonly wrong: readonly string[]; readonly flips: number }): void {
    for (const [key, count] of other.counts) this.counts.set(key, (this.counts.get(key) ?? 0) + count);
    this.wrong.push(...other.wrong.slice(0, TOLD_MAX - this.wrong.length));
    this.flips += other.flips;
  }

  count(outcome: Outcome): number {
    return this.rows.reduce((sum, row) => sum + (row.outcome === outcome ? row.count : 0), 0);
  }

  /** What was counted, in the order of the outcomes. */
  get rows(): { readonly outcome: Outcome; readonly why: string; readonly count: number }[] {
    const rows = [...this.counts].map(([key, count]) => {
      const [outcome, why] = JSON.parse(key) as [Outcome, string];
      return { outcome, why, count };
    });
    return rows.toSorted((a, b) => OUTCOMES.indexOf(a.outcome) - OUTCOMES.indexOf(b.outcome));
  }
}

/** Flips each byte of a span, one after the other. */
export async function flipSpan(subject: Subject, { file, start, end, step, isEveryBit }: Span): Promise<Tally> {
  const tally = new Tally();
  for (let offset = start; offset < end; offset += step) {
    const masks = isEveryBit ? [1, 2, 4, 8, 16, 32, 64, 128] : [1 << (offset % 8)];
    for (const mask of masks) {
      const flip = { file, offset, mask };
      const isOpened = !isAlike(subject, flip) || (offset - start) % (ALIKE_OPENED * step) === 0;
      const fate = isOpened ? await fateOf(subject, flip) : fateUnopened(subject, flip);
      tally.add(fate, `${subject.name}, ${file} at ${offset}, bits ${mask}`);
    }
  }
  return tally;
}
