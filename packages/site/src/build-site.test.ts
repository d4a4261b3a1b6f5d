import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { encodeRawLog, SAMPLE_LOG } from '@k-lani/bench';
import { buildSite } from './build-site.ts';
import { elementsIn, parse, textOf } from './markup-tree.fixture.ts';
import { NumberLinks } from './number-links.fixture.ts';
import { readLogs } from './raw/log-file.ts';
import { COMPARISON_LINES, writeSampleLogs } from './sample-logs.fixture.ts';

function emptyDirectory(context: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'k-lani-site-'));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

function sampleSite(context: TestContext): ReadonlyMap<string, string> {
  return buildSite(readLogs(writeSampleLogs(emptyDirectory(context))));
}

/** The site with one text of a page put in the place of another. */
function changed(site: ReadonlyMap<string, string>, page: string, from: string | RegExp, to: string): string[] {
  const text = site.get(page) ?? '';
  const copy = text.replace(from, to);
  assert.notEqual(copy, text);
  return new NumberLinks(new Map([...site, [page, copy]])).breaches();
}

function textOfPage(site: ReadonlyMap<string, string>, page = 'index.html'): string {
  return textOf(parse(site.get(page) ?? ''));
}

test('every number on the site leads to the line of a raw log that says it', (context) => {
  const links = new NumberLinks(sampleSite(context));
  assert.deepEqual(links.breaches(), []);
  assert.ok(links.followed > 200, `${links.followed} numbers were found`);
});

test('a number without a link, with a wrong value or a wrong line is noticed', (context) => {
  const site = sampleSite(context);
  const index = (from: string | RegExp, to: string): string => changed(site, 'index.html', from, to).join();
  const workings = (from: string | RegExp, to: string): string => changed(site, 'workings.html', from, to).join();
  assert.match(index('</main>', '<p>for 42 seats</p></main>'), /"for 42 seats": it is in no link/);
  assert.match(index('</main>', '<p><a href="#seats">for 42 seats</a></p></main>'), /is no page of a raw log/);
  assert.match(index('4\u00a0buyers</a>', '5\u00a0buyers</a>'), /"5 buyers" is shown, and it is 4/);
  assert.match(index('251\u00a0ms</a>', '252\u00a0ms</a>'), /is shown, and it is 251/);
  assert.match(index('251\u00a0ms</a>', '251\u00a0µs</a>'), /is shown, and it is 251000/);
  const line = COMPARISON_LINES.findIndex((text) => text.startsWith('{"measured"')) + 1;
  const link = (number: number): string => `compare.ndjson.html#L${number}" data-at="[&quot;measured&quot;,&quot;figures`;
  assert.match(index(link(line), link(line + 1)), /is shown, and it is/);
  assert.match(index('Slow &amp; Sure 2</a>', 'Slow &amp; Sure 3</a>'), /line 3 says Slow & Sure 2/);
  assert.match(index('p99 at 2000</a>', 'p99 at 3000</a>'), /p99 at 3000/);
  assert.match(index(/>[0-9a-f]{64}<\/a>/, `>${'0'.repeat(64)}</a>`), /Expected values to be strictly equal|0{64}/);
  assert.match(workings(/(&quot;row&quot;,&quot;first&quot;:\d+,&quot;last&quot;:)\d+/, '$118'), /not all of kind row/);
  assert.match(workings('&quot;ratio&quot;', '&quot;sum&quot;'), /is shown, and it is/);
  assert.match(workings('&quot;what&quot;:&quot;free&quot;', '&quot;what&quot;:&quot;verifiedSold&quot;'), /is shown, and it is 3/);
});

test('every link of the site leads to a file of it, and to an anchor that is there', (context) => {
  const directory = writeSampleLogs(emptyDirectory(context));
  writeFileSync(join(directory, 'again.ndjson'), COMPARISON_LINES.map((line) => `${line}\n`).join(''));
  const site = buildSite(readLogs(directory));
  const anchors = new Map([...site].filter(([name]) => name.endsWith('.html')).map(([name, text]) => [name, parse(text)]));
  const ids = new Map(
    [...anchors].map(([name, tree]) => [name, [...elementsIn(tree)].flatMap(({ attributes }) => attributes.get('id') ?? [])]),
  );
  let links = 0;
  for (const [page, tree] of anchors) {
    assert.equal(new Set(ids.get(page)).size, ids.get(page)?.length, `an id is twice in ${page}`);
    for (const { tag, attributes } of elementsIn(tree)) {
      const href = attributes.get('href');
      if (tag !== 'a' || href === undefined) continue;
      const [path = '', anchor] = href.split('#');
      const target = path === '' ? page : join(page, '..', path);
      assert.ok(site.has(target), `${page}: ${href}`);
      if (anchor !== undefined) assert.ok(ids.get(target)?.includes(anchor), `${page}: ${href}`);
      links += 1;
    }
  }
  assert.ok(links > 500);
});

test('no page loads anything, and no text of a log becomes markup', (context) => {
  const directory = writeSampleLogs(emptyDirectory(context));
  const evil = `</script><img src=x>"'&`;
  writeFileSync(join(directory, 'evil.ndjson'), encodeRawLog({ ...SAMPLE_LOG, run: { ...SAMPLE_LOG.run, command: evil } }));
  for (const [name, text] of buildSite(readLogs(directory))) {
    if (!name.endsWith('.html')) continue;
    assert.doesNotMatch(text, /@import|url\(|\bfetch\(|XMLHttpRequest|https?:\/\//, name);
    for (const { tag, attributes } of elementsIn(parse(text))) {
      assert.ok(!attributes.has('src') && !/^(?:img|iframe|object|embed|base|form)$/.test(tag), `${name} has ${tag}`);
      if (tag === 'link') assert.equal(attributes.get('href'), 'data:,');
    }
    assert.match(text, /default-src &#39;none&#39;/, name);
  }
});

test('the raw logs are handed out as they are, and each of their lines has its anchor and its text', (context) => {
  const site = sampleSite(context);
  assert.equal(site.get('logs/storms-concert.ndjson'), encodeRawLog(SAMPLE_LOG));
  const items = [...elementsIn(parse(site.get('logs/compare.ndjson.html') ?? ''))].filter(({ tag }) => tag === 'li');
  assert.deepEqual(
    items.map(({ attributes }) => attributes.get('id')),
    COMPARISON_LINES.map((_, index) => `L${index + 1}`),
  );
  assert.ok(items.every((item, index) => textOf(item) === `${index + 1}${COMPARISON_LINES[index]?.replaceAll(/\s+/g, ' ')}`));
});

test('losses are shown as wins are: the same row, the same type, another mark', (context) => {
  const page = sampleSite(context).get('index.html') ?? '';
  const rows = [...elementsIn(parse(page))].filter(
    ({ tag, attributes }) => tag === 'li' && /^(ahead|behind)$/.test(attributes.get('class') ?? ''),
  );
  assert.deepEqual(
    rows.map((row) => [row.attributes.get('class'), textOf(row).match(/[\d.]+ ×/)?.[0]]),
    [
      ['ahead', '7.45 ×'],
      ['ahead', '1.50 ×'],
      ['behind', '0.468 ×'],
      ['ahead', '1.59 ×'],
      ['ahead', '1.16 ×'],
    ],
  );
  assert.doesNotMatch(page, /\.(?:behind|theirs)[^{}]*\{[^}]*font/);
});

test('the site says what was left out, what failed, what was lost, and which logs it could not read', (context) => {
  const directory = writeSampleLogs(emptyDirectory(context));
  writeFileSync(join(directory, 'torn.ndjson'), '{"run":{"bench":"concert"}}\n');
  writeFileSync(join(directory, 'cut.ndjson'), `${COMPARISON_LINES.slice(0, 12).join('\n')}\n{"meas`);
  const text = textOfPage(buildSite(readLogs(directory)));
  assert.match(text, /absent was left out: there was no absent-server\. To install it: apt-get install absent-server-15/);
  assert.match(text, /broken failed in read: exit code 70/);
  assert.match(text, /117 of 120 lost: 3/);
  assert.match(text, /The run of cut\.ndjson was cut off/);
  assert.match(text, /torn\.ndjson: /);
  assert.match(text, /Holiday Rush, claim: 4 sessions, this run failed/);
});

test('without any log there is a site that says so', (context) => {
  const site = buildSite(readLogs(emptyDirectory(context)));
  assert.deepEqual([...site.keys()], ['index.html', 'workings.html']);
  assert.match(textOfPage(site), /Who got it\?.*No log of a concert.*No log of a Holiday Rush.*No log of a comparison/);
});

test('the same logs give the same site', (context) => {
  assert.deepEqual(sampleSite(context), sampleSite(context));
});
