import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import type { BenchOutcome } from './bench-run.ts';
import { HOLIDAY_DEFAULTS, type HolidayOptions, runHoliday } from './holiday.ts';
import { spawnTestServer } from './storm/test-server.ts';

const SMALL = { ...HOLIDAY_DEFAULTS, hotels: 5, roomsPerHotel: 20, sessions: 100, connections: 4 };

function holiday(t: TestContext, options: Partial<HolidayOptions>): Promise<BenchOutcome> {
  const out = mkdtempSync(join(tmpdir(), 'holiday-'));
  t.after(() => rmSync(out, { recursive: true }));
  return runHoliday({ ...SMALL, out, ...options }, { spawnServer: spawnTestServer });
}

for (const flow of ['loop', 'claim'] as const) {
  test(`the Holiday Rush by ${flow} gives every session one room of the real server`, async (t) => {
    const { failures, line } = await holiday(t, { flow, kill: flow === 'loop' });
    assert.deepEqual(failures, []);
    assert.match(line, /^holiday_rush_done sessions=100 rooms=100 booked=100 verified_booked=100 double_booked=0 lost=0 unknown=0 /);
    assert.match(line, / failed_sessions=0 wall_secs=\d+\.\d{3}$/);
  });
}

test('the Holiday Rush books nothing above the price ceiling, and refuses those who come too late', async (t) => {
  const { failures, result } = await holiday(t, { flow: 'claim', ceiling: 400 });
  assert.deepEqual(failures, []);
  const { figures, run } = result;
  assert.ok(run.unitsWithinTerms > 10 && run.unitsWithinTerms < 90);
  assert.deepEqual([figures.verifiedSold, figures.noTicket], [run.unitsWithinTerms, 100 - run.unitsWithinTerms]);
});
