import assert from 'node:assert/strict';
import test from 'node:test';
import { html, json, Markup } from './markup.ts';
import { formatBytes, formatCount, formatRoundUs, formatUs, plural } from './words.ts';

test('html`` escapes what is put in, and leaves markup alone', () => {
  assert.equal(html`<p title="${'"a" < b'}">${html`<b>${1}</b>`}</p>`.text, '<p title="&quot;a&quot; &lt; b"><b>1</b></p>');
  assert.equal(html`${[html`<i>${"'&'"}</i>`, new Markup('<hr>')]}`.text, '<i>&#39;&amp;&#39;</i><hr>');
});

test('json() cannot end the script element that it stands in', () => {
  const { text } = json({ a: '</script><!--' });
  assert.doesNotMatch(text, /</);
  assert.deepEqual(JSON.parse(text), { a: '</script><!--' });
});

test('numbers are written for people', () => {
  assert.deepEqual(
    [0, 87.4, 1940, 15_600, 410_000, 5_326_000].map((us) => formatUs(us).replace('\u00a0', ' ')),
    ['0 µs', '87 µs', '1.94 ms', '15.6 ms', '410 ms', '5.33 s'],
  );
  assert.deepEqual([100, 1000, 50_000, 500_000, 1e6].map(formatRoundUs), ['100 µs', '1 ms', '50 ms', '500 ms', '1 s']);
  assert.deepEqual([0, 512, 1536, 153_000_000, 25_000_000_000].map(formatBytes), ['0 B', '512 B', '1.5 KiB', '146 MiB', '23.3 GiB']);
  assert.equal(formatCount(1_234_567.6), '1,234,568');
  assert.deepEqual([plural(1, 'seat', 'seats'), plural(0, 'seat', 'seats')], ['1\u00a0seat', '0\u00a0seats']);
});
