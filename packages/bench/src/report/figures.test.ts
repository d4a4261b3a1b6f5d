import assert from 'node:assert/strict';
import test from 'node:test';
import { failuresOf, type Figures, figuresOf } from './figures.ts';
import { latenciesOf, histogramOf } from './latencies.ts';
import type { RawLog } from './raw-log.ts';
import { SAMPLE_LOG } from './sample-log.ts';
import { summaryLine } from './summary-line.ts';

const failures = (changes: Partial<RawLog>): string[] => {
  const log = { ...SAMPLE_LOG, ...changes };
  return failuresOf(log, figuresOf(log));
};

test('figuresOf() counts requests, sales and the kill as the log has them', () => {
  const figures = figuresOf(SAMPLE_LOG);
  const expected: Partial<Figures> = {
    sold: 3,
    verifiedSold: 3,
    doubleSold: 0,
    lost: 0,
    unknown: 1,
    unknownMax: 1,
    unknownSold: 0,
    free: 1,
    planFaults: 0,
    served: 4,
    soldAtKill: 1,
    outageUs: 140_000,
    lastOutageUs: 120_000,
    readQueries: 4,
    updates: 3,
    requests: 10,
    requestsPerSec: 40,
    peakQps: 40,
    failedWorkers: 0,
    wallSecs: 0.251,
  };
  for (const [name, value] of Object.entries(expected)) assert.equal(figures[name as keyof Figures], value, name);
  assert.equal(figures.read.count, 4);
  assert.equal(figures.byKind.unlock?.count, 2);
  assert.equal(figures.byKind.claim, undefined);
});

test('latenciesOf() gives percentiles within 0.1 % of those of a sorted list', () => {
  const values = Array.from({ length: 10_000 }, (_, index) => ((index * 7919) % 10_000) * 17 + 3);
  const sorted = values.toSorted((a, b) => a - b);
  const latencies = latenciesOf(histogramOf([values]));
  const near = (found: number, share: number): void => {
    const exact = sorted[Math.ceil(sorted.length * share) - 1] ?? 0;
    assert.ok(Math.abs(found - exact) <= exact * 0.001 + 1, `${found} is not ${exact}`);
  };
  near(latencies.p50Us, 0.5);
  near(latencies.p90Us, 0.9);
  near(latencies.p99Us, 0.99);
  near(latencies.p999Us, 0.999);
  near(latencies.maxUs, 1);
  assert.deepEqual(latenciesOf(histogramOf([])), { count: 0, p50Us: 0, p90Us: 0, p99Us: 0, p999Us: 0, maxUs: 0 });
});

test('failuresOf() finds nothing wrong with a good run', () => {
  assert.deepEqual(failures({}), []);
});

test('failuresOf() notices each thing that can be wrong', () => {
  const [first, ...rows] = SAMPLE_LOG.rows;
  assert.ok(first !== undefined);
  const sales = SAMPLE_LOG.sales;
  assert.match(failures({ sales: [...sales, { timeUs: 1, buyer: 9, rowId: 1, group: 1, unit: 1 }] }).join(), /Sold twice: 1/);
  assert.match(failures({ rows: [{ ...first, isBooked: 0 }, ...rows] }).join(), /Lost: 1 .*Verified: 2, must be the 3/);
  assert.match(failures({ marks: [] }).join(), /Unknown: 1 outcomes, must be <= 0/);
  assert.match(failures({ rows }).join(), /Units that are missing, doubled or in another place: 1/);
  assert.match(failures({ rows: [{ ...first, unit: 2 }, ...rows] }).join(), /in another place: 3/);
  assert.match(failures({ sales: sales.slice(1), rows: SAMPLE_LOG.rows.filter(({ buyer }) => buyer !== 1) }).join(), /Served: 3 buyers/);
  assert.match(failures({ end: { ...SAMPLE_LOG.end, failures: ['it fell over'] } }).join(), /A worker failed: it fell over/);
  const refused = { run: { ...SAMPLE_LOG.run, buyers: 6 }, end: { ...SAMPLE_LOG.end, noTicket: 2 } };
  assert.match(failures(refused).join(), /Refused: 2 buyers while 1 units were left/);
});

test('summaryLine() has the names and the order that scripts read', () => {
  const concert = summaryLine(SAMPLE_LOG, figuresOf(SAMPLE_LOG));
  assert.equal(
    concert,
    'thundering_herd_done users=4 seats=4 sold=3 verified_sold=3 double_sold=0 lost=0 unknown=1 sold_at_kill=1 read_queries=4 updates=3 ' +
      'peak_qps=40 read_p50_us=100 read_p90_us=400 read_p99_us=400 update_p50_us=500 update_p90_us=140031 update_p99_us=140031 ' +
      'lock_conflicts=5 already_sold=6 no_ticket=0 failed_workers=0 wall_secs=0.251',
  );
  const holiday: RawLog = { ...SAMPLE_LOG, run: { ...SAMPLE_LOG.run, bench: 'holiday' } };
  assert.equal(
    summaryLine(holiday, figuresOf(holiday)),
    'holiday_rush_done sessions=4 rooms=4 booked=3 verified_booked=3 double_booked=0 lost=0 unknown=1 read_queries=4 lock_conflicts=5 ' +
      'already_booked=6 failed_sessions=0 wall_secs=0.251',
  );
});
