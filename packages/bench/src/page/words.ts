import type { RequestKind, RunHeader } from '../report/raw-log.ts';

/** What the things of a benchmark are called. */
export interface Words {
  readonly title: string;
  readonly unit: string;
  readonly units: string;
  readonly group: string;
  readonly groups: string;
  readonly buyer: string;
  readonly buyers: string;
  readonly sold: string;
}

const WORDS: Readonly<Record<RunHeader['bench'], Words>> = {
  concert: {
    title: 'the concert',
    unit: 'seat',
    units: 'seats',
    group: 'Rank',
    groups: 'ranks',
    buyer: 'buyer',
    buyers: 'buyers',
    sold: 'sold',
  },
  holiday: {
    title: 'Holiday Rush',
    unit: 'room',
    units: 'rooms',
    group: 'Hotel',
    groups: 'hotels',
    buyer: 'session',
    buyers: 'sessions',
    sold: 'booked',
  },
};

export function wordsOf(bench: RunHeader['bench']): Words {
  return WORDS[bench];
}

/** What each kind of request is called. */
export const KIND_NAMES: Readonly<Record<RequestKind, string>> = {
  query: 'query for free rows',
  reread: 'read again under the lock',
  lock: 'try lock',
  replace: 'replace',
  unlock: 'unlock',
  claim: 'claim that sold',
  refused: 'claim that found nothing',
};

/** Keeps a number and its unit on one line. */
const NO_BREAK = '\u00a0';

const NUMBER = new Intl.NumberFormat('en-US');

/** `10,000` */
export function formatCount(count: number): string {
  return NUMBER.format(Math.round(count));
}

/** Three digits and a unit: `87 µs`, `1.94 ms`, `5.33 s`; the space does not break. */
export function formatUs(us: number): string {
  if (us < 1000) return `${Math.round(us)}${NO_BREAK}µs`;
  return us < 1_000_000 ? `${threeDigits(us / 1000)}${NO_BREAK}ms` : `${threeDigits(us / 1_000_000)}${NO_BREAK}s`;
}

/** As `formatUs`, of a round number: `100 µs`, `50 ms`, `2 s`. */
export function formatRoundUs(us: number): string {
  if (us < 1000) return `${us} µs`;
  return us < 1_000_000 ? `${us / 1000} ms` : `${us / 1_000_000} s`;
}

/** `512 B`, `1.2 MiB` */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  const value = bytes / 1024 ** power;
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[power]}`;
}

/** `1 seat`, `2 seats` */
export function plural(count: number, one: string, many: string): string {
  return `${formatCount(count)}${NO_BREAK}${count === 1 ? one : many}`;
}

function threeDigits(value: number): string {
  return value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);
}
