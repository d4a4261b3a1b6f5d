/**
 * The page of a run: one HTML file that needs no network and says where each figure comes from.
 *
 * 1. Every figure and picture is computed from the raw log; of the result only the host, the versions and the checksums are taken.
 * 2. Nothing is loaded: style, script and data are inside, and the page forbids itself everything else.
 * 3. Without a script everything can be read but the map of the seats, whose numbers stand in a table.
 */
import { createHash } from 'node:crypto';
import { KLaniError } from '@k-lani/protocol';
import { failuresOf, figuresOf } from '../report/figures.ts';
import { decodeRawLog } from '../report/raw-log.ts';
import type { BenchResult } from '../report/result.ts';
import { headline, keyFigures, proofs, recountTable, type Story } from './claims.ts';
import { html, Markup } from './markup.ts';
import { percentileChart, percentileTable } from './percentiles.ts';
import { replay } from './replay.ts';
import { PAGE_SCRIPT } from './script.ts';
import { sayPlainly, stormNumbers } from './storm-numbers.ts';
import { PAGE_STYLE } from './style.ts';
import { latencyChart, throughputChart, timelineOf } from './timeline.ts';
import { formatBytes, formatCount, formatUs, plural, wordsOf } from './words.ts';

/**
 * Makes the page of a run.
 *
 * @param rawLog the text of the raw log, as `encodeRawLog()` wrote it
 * @param result the result that was made from the same log
 * @returns a whole HTML document
 * @throws {KLaniError} `InvalidArgument` when the log cannot be read, or is not the one that the result was made from
 */
export function buildPage(rawLog: string, result: BenchResult): string {
  const sha256 = createHash('sha256').update(rawLog).digest('hex');
  if (sha256 !== result.rawLog.sha256) {
    throw new KLaniError(
      'InvalidArgument',
      `Cannot build page: the raw log has SHA-256 ${sha256}, must be ${result.rawLog.sha256} as in the result`,
    );
  }
  const log = decodeRawLog(rawLog);
  const figures = figuresOf(log);
  const total = log.run.groupSizes.reduce((sum, size) => sum + size, 0);
  const say = sayPlainly(stormNumbers(log, figures));
  const page: Page = { log, figures, failures: failuresOf(log, figures), words: wordsOf(log.run.bench), say, total, result };
  return `${documentOf(page).text}\n`;
}

/** A story, and what only its page says. */
interface Page extends Story {
  readonly result: BenchResult;
}

function documentOf(story: Page): Markup {
  const { log, words, total } = story;
  const title = `k-lani: ${plural(log.run.buyers, words.buyer, words.buyers)}, ${plural(total, words.unit, words.units)}`;
  const policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'";
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <title>${title}</title>
        <style>
          ${new Markup(PAGE_STYLE)}
        </style>
      </head>
      <body>
        <main>${headline(story)} ${keyFigures(story)} ${sections(story)}</main>
        <script>
          ${new Markup(PAGE_SCRIPT)};
        </script>
      </body>
    </html>`;
}

function sections(story: Page): readonly Markup[] {
  const { log, figures, words, say } = story;
  const timeline = timelineOf(log);
  return [
    html`<section>
      <h2>The ${words.units} as they go</h2>
      ${replay(log, words, say)}
    </section>`,
    html`<section>
      <h2>The recount</h2>
      <p>
        After the last answer the server was killed, started again on the same directory (it answered after
        ${formatUs(figures.lastOutageUs)}), and asked for all its rows. They are held against what the ${words.buyers} had been told.
      </p>
      ${recountTable(story)}
    </section>`,
    html`<section>
      <h2>Throughput and latency</h2>
      ${throughputChart(log, timeline)}${latencyChart(log, timeline)}
    </section>`,
    html`<section>
      <h2>Percentiles</h2>
      ${percentileTable(log.windows, say)}${percentileChart(log)}
    </section>`,
    html`<section>
      <h2>What this shows, and what not</h2>
      ${proofs(story)}
    </section>`,
    html`<section>
      <h2>Run it again</h2>
      ${reproduction(story)}
    </section>`,
    html`<section>
      <h2>Where it ran</h2>
      ${provenance(story)}
    </section>`,
  ];
}

function reproduction({ log, result }: Page): Markup {
  const words = log.run.command.split(' --').map((word, index) => html`<span class="keep">${index === 0 ? '' : ' --'}${word}</span>`);
  return html`<p>The same seed gives the same buyers and the same moment for the kill; the machine gives the times.</p>
    <pre><code>${words}</code></pre>
    <p>Its last line was</p>
    <pre><code>${result.line}</code></pre>
    <p>
      This page was made from <code>${result.rawLog.file}</code> alone, one JSON object a line: every sale, the latency of every request,
      and every row as it was read after the restart. Whoever doubts a figure can count again.
    </p>`;
}

function provenance({ log, figures, result }: Page): Markup {
  const { host, versions, code } = result;
  const facts: [string, Markup][] = [
    ['When', html`${log.run.startedAt.slice(0, 10)} ${log.run.startedAt.slice(11, 16)} UTC`],
    ['Processor', html`${host.cpu}, ${plural(host.cores, 'core', 'cores')} in use`],
    ['Memory', html`${formatBytes(host.memoryBytes)}`],
    ['System', html`${host.platform} ${host.kernel}, ${host.arch}`],
    ['File system', html`${result.filesystem}`],
    ['Durability', html`${log.run.durability}${log.run.durability === 'fsync' ? ': synced before it is answered' : ''}`],
    ['Versions', html`k-lani ${versions.kLani}, Node ${versions.node}`],
    ['Requests', html`${formatCount(figures.requests)} in all, ${formatCount(figures.requestsPerSec)} a second`],
    [
      'Server',
      html`${result.serverPeakBytes === null ? 'memory not known' : `at most ${formatBytes(result.serverPeakBytes)} of memory resident, its mapped log included`}`,
    ],
    ['Seed', html`${log.run.seed}`],
    [
      'Code',
      html`<code>${code.commit ?? 'no commit'}</code>, SHA-256 over ${formatCount(code.files)} source files <code>${code.sha256}</code>`,
    ],
    ['Raw log', html`${formatBytes(result.rawLog.sizeBytes)}, SHA-256 <code>${result.rawLog.sha256}</code>`],
  ];
  return html`<dl class="facts">
    ${facts.map(
      ([name, value]) =>
        html`<dt>${name}</dt>
          <dd>${value}</dd>`,
    )}
  </dl>`;
}
