import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test from 'node:test';
import { Script } from 'node:vm';
import { encodeRawLog, type RawLog } from '../report/raw-log.ts';
import { type BenchResult, makeResult } from '../report/result.ts';
import { SAMPLE_LOG } from '../report/sample-log.ts';
import { buildPage } from './page.ts';
import { columnsFor } from './replay.ts';
import { niceStep } from './chart.ts';

function resultOf(log: RawLog): { rawLog: string; result: BenchResult } {
  const rawLog = encodeRawLog(log);
  return { rawLog, result: makeResult({ log, rawLog, rawLogFile: 'raw-log.ndjson', serverPeakBytes: undefined }) };
}

/** The page, with every run of white space as one blank, as a browser shows it. */
function pageOf(log: RawLog): string {
  const { rawLog, result } = resultOf(log);
  return buildPage(rawLog, result).replaceAll(/\s+/g, ' ');
}

const VOID = new Set(['meta', 'input', 'link', 'br']);

/** The elements that are not closed, or closed out of order. */
function unbalanced(page: string): string[] {
  const body = page.replaceAll(/<(script|style)\b[^>]*>[\s\S]*?<\/\1>/g, '').replace('<!doctype html>', '');
  const open: string[] = [];
  const wrong: string[] = [];
  for (const [tag, slash = '', name = ''] of body.matchAll(/<(\/?)([a-z0-9]+)\b[^>]*>/g)) {
    if (VOID.has(name) || tag.endsWith('/>')) continue;
    if (slash === '') open.push(name);
    else if (open.pop() !== name) wrong.push(tag);
  }
  return [...wrong, ...open];
}

test('buildPage() says in its headline what was sold, and how the kill went', () => {
  const page = pageOf(SAMPLE_LOG);
  assert.match(page, /<h1>4 buyers, 4 seats, none sold twice\.<\/h1>/);
  assert.match(page, /3 of 4 seats were sold over TCP in 251 ms by 2 workers on 1 connection/);
  assert.match(page, /killed with SIGKILL when 1 were sold, and answered again 140 ms later/);
  assert.deepEqual(unbalanced(page), []);
});

test('buildPage() says that a run failed, and where', () => {
  const [first, ...rows] = SAMPLE_LOG.rows;
  assert.ok(first !== undefined);
  const page = pageOf({ ...SAMPLE_LOG, rows: [{ ...first, isBooked: 0 }, ...rows] });
  assert.match(page, /<h1>This run failed\.<\/h1>/);
  assert.match(page, /Lost: 1 acknowledged sales are not in the rows/);
  assert.doesNotMatch(page, /none sold twice/);
  assert.deepEqual(unbalanced(page), []);
});

test('buildPage() takes its figures from the raw log, and refuses another log than that of the result', () => {
  const { rawLog, result } = resultOf(SAMPLE_LOG);
  const forged = { ...result, figures: { ...result.figures, lost: 77, sold: 88_888 } };
  assert.equal(buildPage(rawLog, forged), buildPage(rawLog, result));
  assert.throws(() => buildPage(`${rawLog}\n`, result), { code: 'InvalidArgument' });
});

test('buildPage() loads nothing: no address, no source, and a policy that forbids it', () => {
  const page = pageOf(SAMPLE_LOG);
  assert.doesNotMatch(page, /https?:\/\/|\bsrc=|\bhref=|@import|url\(|\bfetch\(|XMLHttpRequest/);
  assert.match(page, /default-src 'none'|default-src &#39;none&#39;/);
});

test('buildPage() lets no text of the run become markup', () => {
  const evil = `</script><script>alert(1)</script>"'&`;
  const log: RawLog = { ...SAMPLE_LOG, run: { ...SAMPLE_LOG.run, command: evil }, end: { ...SAMPLE_LOG.end, failures: [evil] } };
  const page = pageOf(log);
  assert.doesNotMatch(page, /<script>alert/);
  assert.match(page, /&lt;\/script&gt;&lt;script&gt;alert\(1\)/);
  assert.deepEqual(unbalanced(page), []);
});

test('buildPage() gives the replay every sale at its time, and a script that a browser can read', () => {
  const page = pageOf(SAMPLE_LOG);
  const [, text = ''] = /<script type="application\/json" class="replay-data">(.*?)<\/script>/.exec(page) ?? [];
  const data = JSON.parse(text) as { deltasUs: number[]; places: number[]; killUs: number; groups: unknown[] };
  assert.deepEqual(data.deltasUs, [900, 149_100, 100_100]);
  assert.deepEqual(data.places, [2, 0, 1]);
  assert.equal(data.killUs, 900);
  assert.equal(data.groups.length, 2);
  const [, script = ''] = /<script>([\s\S]*)<\/script>/.exec(page) ?? [];
  assert.doesNotThrow(() => new Script(script));
});

test('buildPage() names each control and picture for those who do not see it', () => {
  const page = pageOf(SAMPLE_LOG);
  for (const [canvas] of page.matchAll(/<canvas[^>]*>/g)) assert.match(canvas, /aria-label="Map of rank \d: \d of \d seats sold/);
  assert.match(page, /<input type="range"[^>]*aria-label=/);
  for (const [plot] of page.matchAll(/<div class="plot"[^>]*>/g)) assert.match(plot, /tabindex="0".*aria-labelledby=/);
  const ids = [...page.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id);
  assert.equal(new Set(ids).size, ids.length);
  for (const [, id = ''] of page.matchAll(/aria-(?:labelledby|describedby)="([^"]+)"/g)) assert.ok(ids.includes(id), id);
});

test('buildPage() can show a run in which nothing was sold and nothing answered', () => {
  const empty: RawLog = { ...SAMPLE_LOG, sales: [], unknown: [], marks: [], windows: [], end: { ...SAMPLE_LOG.end, wallUs: 0 } };
  const page = pageOf({ ...empty, run: { ...SAMPLE_LOG.run, bench: 'holiday', kill: false } });
  assert.doesNotMatch(page.replaceAll(/<script>.*<\/script>/g, ''), /NaN|undefined|Infinity/);
  assert.deepEqual(unbalanced(page), []);
});

test('makeResult() carries the checksum of the raw log', () => {
  const { rawLog, result } = resultOf(SAMPLE_LOG);
  assert.equal(result.rawLog.sha256, createHash('sha256').update(rawLog).digest('hex'));
  assert.equal(result.rawLog.sizeBytes, Buffer.byteLength(rawLog));
  assert.match(result.code.sha256, /^[0-9a-f]{64}$/);
});

test('columnsFor() makes maps about twice as wide as high, with full rows where it can', () => {
  assert.equal(columnsFor(1000), 40);
  assert.equal(columnsFor(50), 10);
  assert.equal(columnsFor(1), 1);
  assert.equal(columnsFor(997), 45);
});

test('niceStep() gives steps of 1, 2 or 5 times a power of ten', () => {
  assert.deepEqual([niceStep(37_500, 4), niceStep(6, 8), niceStep(0.9, 4), niceStep(1, 4)], [10_000, 1, 0.5, 0.5]);
});
