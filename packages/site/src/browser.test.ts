/**
 * The site in a real browser, from files and without a network: Debian's `chromium`, where it is installed. Elsewhere the tests are skipped, and
 * say so.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test, type TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { buildSite } from './build-site.ts';
import { readLogs } from './raw/log-file.ts';
import { writeSampleLogs } from './sample-logs.fixture.ts';

const CHROMIUM = '/usr/bin/chromium';
const QUIET = [
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const skip = existsSync(CHROMIUM) ? false : `there is no ${CHROMIUM}`;
const NARROW = { width: 360, height: 740 };
const WIDE = { width: 1280, height: 900 };
const PAGES = ['index.html', 'storm-holiday.html', 'workings.html', 'logs/compare.ndjson.html'];

let browser: Browser | undefined;
let directory = '';

before(async () => {
  if (skip !== false) return;
  directory = mkdtempSync(join(tmpdir(), 'k-lani-site-'));
  const site = buildSite(readLogs(writeSampleLogs(join(directory, 'logs'))));
  for (const [path, text] of site) {
    mkdirSync(dirname(join(directory, 'site', path)), { recursive: true });
    writeFileSync(join(directory, 'site', path), text);
  }
  browser = await chromium.launch({ executablePath: CHROMIUM, args: QUIET });
});

after(async () => {
  await browser?.close();
  if (directory !== '') rmSync(directory, { recursive: true, force: true });
});

/** Opens a page of the site; `trouble` collects what its console and network complain of. */
async function open(
  context: TestContext,
  path: string,
  options: Parameters<Browser['newContext']>[0] = { viewport: WIDE },
): Promise<{ page: Page; trouble: string[] }> {
  assert.ok(browser !== undefined);
  const session = await browser.newContext(options);
  context.after(() => session.close());
  const page = await session.newPage();
  const trouble: string[] = [];
  page.on('console', (message) => trouble.push(message.text()));
  page.on('pageerror', (error) => trouble.push(error.message));
  page.on('request', (request) => {
    if (!request.url().startsWith('file:') && !request.url().startsWith('data:')) trouble.push(request.url());
  });
  await page.goto(pathToFileURL(join(directory, 'site', path)).href);
  return { page, trouble };
}

for (const viewport of [NARROW, WIDE]) {
  for (const colorScheme of ['light', 'dark'] as const) {
    test(`pages fit ${viewport.width} pixels in ${colorScheme}, complain of nothing and ask no network`, { skip }, async (context) => {
      for (const path of PAGES) {
        const { page, trouble } = await open(context, path, { viewport, colorScheme });
        assert.deepEqual(trouble, [], path);
        assert.equal(await page.evaluate('document.documentElement.scrollWidth'), viewport.width, `${path} scrolls sideways`);
        const paper = String(await page.evaluate('getComputedStyle(document.documentElement).backgroundColor'));
        const isDark = Number(/\d+/.exec(paper)?.[0]) < 128;
        assert.equal(isDark, colorScheme === 'dark', `${path}: ${paper}`);
      }
    });
  }
}

for (const colorScheme of ['light', 'dark'] as const) {
  test(`text has a contrast of 4.5 to 1 or more in ${colorScheme}`, { skip }, async (context) => {
    const { page } = await open(context, 'index.html', { viewport: WIDE, colorScheme });
    assert.deepEqual(await page.evaluate(FAINT_TEXTS), []);
  });
}

test('the keyboard reaches every link and control, and each shows that it has the focus', { skip }, async (context) => {
  const { page } = await open(context, 'index.html');
  for (const summary of await page.locator('summary').all()) await summary.press('Enter');
  await page.locator('.skip').focus();
  const count = Number(await page.evaluate(`document.querySelectorAll(${JSON.stringify(FOCUSABLE)}).length`));
  assert.ok(count > 100);
  const seen = new Set<string>();
  for (let step = 0; step < count; step += 1) {
    const focus = (await page.evaluate(FOCUS)) as { index: string; outline: string };
    assert.notEqual(focus.outline, 'none', `number ${focus.index} shows no focus`);
    seen.add(focus.index);
    await page.keyboard.press('Tab');
  }
  assert.equal(seen.size, count);
});

test('the keyboard plays the replay, moves through time, and goes from seat to seat with the line of each', { skip }, async (context) => {
  const { page, trouble } = await open(context, 'index.html', { viewport: WIDE, reducedMotion: 'reduce' });
  const moment = page.locator('.moment');
  const sale = page.locator('.sale');
  assert.equal(await moment.innerText(), '251 ms, 3 of 4 sold');
  await page.locator('.back').focus();
  await page.keyboard.press('Enter');
  assert.equal(await moment.innerText(), '150 ms, 2 of 4 sold');
  assert.equal(await sale.innerText(), 'Last sold: seat 1 of rank 1, to buyer 2');
  assert.equal(await sale.locator('a').getAttribute('href'), 'logs/storms-concert.ndjson.html#L4');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Enter');
  assert.equal(await sale.innerText(), 'Nothing is sold yet.');
  await page.locator('.next').focus();
  await page.keyboard.press('Space');
  assert.equal(await sale.innerText(), 'Last sold: seat 1 of rank 2, to buyer 1');
  await page.locator('.time').focus();
  await page.keyboard.press('End');
  assert.equal(await moment.innerText(), '251 ms, 3 of 4 sold');
  await page.locator('.time').press('Home');
  assert.match(String(await page.locator('.time').getAttribute('aria-valuetext')), /^0 ms, 0 of 4 sold$/);
  await page.locator('.speed').selectOption('as it was');
  await page.locator('.play').press('Enter');
  await page.locator('.moment', { hasText: '3 of 4 sold' }).waitFor();
  await page.locator('.play-label', { hasText: 'Play' }).waitFor();
  await page.locator('.sale a').press('Enter');
  await page.waitForURL(/#L5$/);
  assert.match(await page.locator('li:target').innerText(), /"sale":\[250100,3,2,1,2\]/);
  assert.deepEqual(trouble, []);
});

test('everything has a name for those who do not see it', { skip }, async (context) => {
  const { page } = await open(context, 'index.html');
  await page.locator('summary').press('Enter');
  const tree = await page.locator('body').ariaSnapshot();
  for (const part of [
    /- heading "4 buyers, 4 seats, none sold twice\." \[level=1\]/,
    /- navigation "On this page"/,
    /- button "Play"/,
    /- group "One seat at a time":\s+- button "Back"\s+- button "Next seat"/,
    /- combobox "Speed"/,
    /- slider "Moment of the storm"/,
    /img "Map of rank 1: 2 of 2 seats sold in the end"/,
    /img "Sales over time, at most/,
    /region "Table: Concert, 8 connections"'?:\s+- '?table "Concert, 8 connections: median of the rounds, least to greatest"/,
    /- columnheader "Slow & Sure 2"/,
    /- rowheader "seconds lower is better"/,
    /figure "k-lani against Slow & Sure 2 How many times as fast/,
    /figure "seconds: lower is better/,
  ])
    assert.match(tree, part);
  assert.doesNotMatch(tree, /- (?:link|button|img|slider|combobox|region|table|textbox)(?: \[[^\]]*\])?:?\n/);
  assert.equal(await page.getByRole('region').count(), await page.locator('[role=region][aria-label]').count());
});

test('without a script everything can be read but the map', { skip }, async (context) => {
  const { page } = await open(context, 'index.html', { viewport: WIDE, javaScriptEnabled: false });
  assert.equal(await page.locator('noscript p').first().isVisible(), true);
  assert.match(await page.locator('.moment').innerText(), /3 of 4 sold/);
  assert.equal(await page.locator('#compared .ratios').count(), 3);
});

const FOCUSABLE = 'a[href], button, select, input, summary, [tabindex="0"]';

/** Which of the focusable elements has the focus, and how it shows it. */
const FOCUS = `(() => {
  const at = document.activeElement;
  return { index: String([...document.querySelectorAll(${JSON.stringify(FOCUSABLE)})].indexOf(at)), outline: getComputedStyle(at).outlineStyle };
})()`;

/** Texts whose contrast with what is behind them is less than WCAG 2.2 asks for (1.4.3, AA). */
const FAINT_TEXTS = `(() => {
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b]
    .map((part) => part / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
    .reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
  const behind = (element) => {
    for (let at = element; at !== null; at = at.parentElement) {
      const colour = numbers(getComputedStyle(at).backgroundColor);
      if (colour.length < 4 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const faint = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (texts.currentNode.data.trim() === '' || element.closest('script, style, svg, noscript') !== null || !element.checkVisibility()) continue;
    const [a, b] = [light(numbers(getComputedStyle(element).color)), light(behind(element))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) faint.push(contrast.toFixed(2) + ' ' + texts.currentNode.data.trim().slice(0, 40));
  }
  return [...new Set(faint)];
})()`;
