import { RAW_LOG_FORMAT, type RawLog } from './raw-log.ts';

/** A small run for tests: two ranks of two seats, three sold; the server was killed after the first sale. */
export const SAMPLE_LOG: RawLog = {
  run: {
    format: RAW_LOG_FORMAT,
    bench: 'concert',
    flow: 'loop',
    buyers: 4,
    groupSizes: [2, 2],
    unitsWithinTerms: 4,
    workers: 2,
    connections: 1,
    everyUser: true,
    kill: true,
    rehearsals: 0,
    seed: 1,
    durability: 'fsync',
    startedAt: '2026-02-03T04:05:06.789Z',
    command: 'k-lani bench concert --users 4 --seats 4 --ranks 2',
  },
  machine: {
    host: { cpu: 'Sample CPU', cores: 2, memoryBytes: 4_294_967_296, platform: 'linux', kernel: '6.1', arch: 'x64' },
    filesystem: 'ext4',
    versions: { node: 'v26.10.0', kLani: '0.1.0' },
    code: { sha256: '5'.repeat(64), files: 7, commit: '1234567' },
  },
  sales: [
    { timeUs: 900, buyer: 1, rowId: 3, group: 2, unit: 1 },
    { timeUs: 150_000, buyer: 2, rowId: 1, group: 1, unit: 1 },
    { timeUs: 250_100, buyer: 3, rowId: 2, group: 1, unit: 2 },
  ],
  unknown: [{ timeUs: 251_000, buyer: 4, rowId: 4 }],
  marks: [
    { timeUs: 900, what: 'kill', sold: 1, inFlight: 1 },
    { timeUs: 140_900, what: 'restarted', sold: 1, inFlight: 2 },
    { timeUs: 260_000, what: 'last-kill', sold: 3, inFlight: 0 },
    { timeUs: 380_000, what: 'last-restarted', sold: 3, inFlight: 0 },
  ],
  windows: [
    {
      timeUs: 0,
      latenciesUs: new Map([
        ['query', [100, 200]],
        ['lock', [50]],
        ['reread', [60]],
        ['replace', [300]],
      ]),
    },
    {
      timeUs: 100_000,
      latenciesUs: new Map([
        ['replace', [140_000]],
        ['unlock', [20]],
      ]),
    },
    {
      timeUs: 200_000,
      latenciesUs: new Map([
        ['query', [400]],
        ['replace', [500]],
        ['unlock', [30]],
      ]),
    },
  ],
  rows: [
    { rowId: 1, group: 1, unit: 1, isBooked: 1, buyer: 2 },
    { rowId: 2, group: 1, unit: 2, isBooked: 1, buyer: 3 },
    { rowId: 3, group: 2, unit: 1, isBooked: 1, buyer: 1 },
    { rowId: 4, group: 2, unit: 2, isBooked: 0, buyer: 0 },
  ],
  end: { wallUs: 251_000, lockConflicts: 5, alreadySold: 6, noTicket: 0, locksLost: 1, reasked: 2, failures: [] },
};
