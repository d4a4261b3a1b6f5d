import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { type Lines, RawLogWriter, readRawLog } from './raw-log.ts';

const END: Lines['end'] = { finishedAt: '2026-01-02T03:04:05.000Z', seconds: 1, state: 'complete' };
const FIRST = '{"run":{"format":1}}\n';

function scratchFile(context: TestContext, text?: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'k-lani-compare-test-'));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  const file = join(directory, 'log.ndjson');
  if (text !== undefined) writeFileSync(file, text);
  return file;
}

test('what is written is in the file at once, and is read as it was, with the number of its line', (context) => {
  const file = scratchFile(context);
  using log = new RawLogWriter(file);
  log.write('run', { format: 1 } as Lines['run']);
  log.write('end', END);
  assert.deepEqual(readRawLog(file), [
    { kind: 'run', number: 1, value: { format: 1 } },
    { kind: 'end', number: 2, value: END },
  ]);
});

test('a file that is there already is not written over', (context) => {
  assert.throws(() => new RawLogWriter(scratchFile(context, 'precious')), { code: 'InvalidArgument', message: /is there already/ });
});

test('a file that cannot be made or read is refused', (context) => {
  const nowhere = join(scratchFile(context), 'log.ndjson');
  assert.throws(() => new RawLogWriter(nowhere), { code: 'InvalidArgument', message: /Cannot write raw log: ENOENT/ });
  assert.throws(() => readRawLog(nowhere), { code: 'InvalidArgument', message: /Cannot read raw log: ENOENT/ });
});

test('a log that was cut off within a line is read up to there', (context) => {
  const file = scratchFile(context, FIRST);
  appendFileSync(file, '{"end":{"finished');
  assert.equal(readRawLog(file).length, 1);
});

test('a log that is not one is refused, with the line', (context) => {
  for (const [text, message] of [
    [`${FIRST}nonsense\n`, /line 2 is not JSON/],
    [`${FIRST}{"strange":{}}\n`, /line 2 is of no known kind/],
    [`${FIRST}7\n`, /line 2 is of no known kind/],
    ['{"run":{"format":9}}\n', /run of format 1/],
    ['{"end":{}}\n', /run of format 1/],
  ] as const) {
    assert.throws(() => readRawLog(scratchFile(context, text)), { code: 'InvalidArgument', message });
  }
});
