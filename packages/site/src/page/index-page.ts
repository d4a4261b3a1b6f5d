/** The first page of the site: the claim, the storm it rests on, the comparison, and where all of it comes from. */
import { html, type Markup, PAGE_SCRIPT } from '@k-lani/bench';
import { extent, gaps, glance, scenarioSections, systemsTable } from '../comparison/comparison-part.ts';
import type { Comparison } from '../comparison/measurements.ts';
import { WORKINGS_PAGE, type Workings } from '../raw/workings.ts';
import { claim, type StormPart, stormProofs, stormSections } from '../storm/storm-part.ts';
import { documentOf } from './document.ts';
import { checksums, commands, hosts, type Run } from './provenance.ts';
import { otherStorms } from './storm-page.ts';

/** What the site has to tell of. */
export interface Contents {
  /** The first is the one that the claim rests on. */
  readonly storms: readonly StormPart[];
  readonly comparisons: readonly Comparison[];
  readonly runs: readonly Run[];
  /** Logs that could not be read, one sentence each. */
  readonly refused: readonly string[];
}

/** As `describeCode()` does it. */
const SOURCES_SUM =
  "cd packages && find base protocol engine server client bench cli -name '*.ts' ! -name '*.test.ts' | LC_ALL=C sort | xargs sha256sum | sha256sum";
const TITLE = 'k-lani: who got it?';

export function indexPage(contents: Contents, workings: Workings): string {
  const [main, ...others] = contents.storms;
  const body = html`<main id="main">
      ${main === undefined ? noClaim() : claim(main)} ${notice(missing(contents))} ${navigation(contents)}
      ${main === undefined ? '' : stormSections(main)} ${otherStorms(others)} ${comparisonSections(contents, workings)}
      <section id="proofs">
        <h2>What this shows, and what not</h2>
        ${main === undefined ? '' : stormProofs(main)} ${contents.comparisons.length === 0 ? '' : LIMITS_OF_COMPARISON}
      </section>
      <section id="again">
        <h2>Run it again</h2>
        <p>
          In a clone, after <code>npm ci</code>. The same seed gives the same buyers and the same questions; the machine gives the times.
        </p>
        ${commands(contents.runs)}
        <p>Within the limits of the published reports, the storms and then the comparison:</p>
        <pre><code>docker compose up proof && docker compose up compare</code></pre>
        <p>
          The SHA-256 over the sources of a clone, to be held against that of a log; for a comparison <code>compare</code> is among the
          folders:
        </p>
        <pre><code>${SOURCES_SUM}</code></pre>
        <p>This site is made from the raw logs alone:</p>
        <pre><code>npm run site -- --logs docs/benchmarks --out site</code></pre>
      </section>
      <section id="where">
        <h2>Where it ran</h2>
        ${hosts(contents.runs)}
      </section>
      <section id="checksums">
        <h2>Checksums</h2>
        ${contents.runs.length === 0 ? html`<p>There is no raw log.</p>` : checksums(contents.runs)}
      </section>
    </main>
    <footer>
      <p>
        Every number leads to its line in a raw log; one that no single line says leads to
        <a href="${WORKINGS_PAGE}">how it was computed</a>, and from there to its lines. Nothing here is loaded from elsewhere.
      </p>
    </footer>`;
  return documentOf({ title: TITLE, body, script: PAGE_SCRIPT });
}

function noClaim(): Markup {
  return html`<header>
    <p class="kicker">k-lani</p>
    <h1>Who got it?</h1>
    <p class="lead">There is no raw log of a concert to answer from.</p>
  </header>`;
}

/** What a reader should know is not here. */
function missing({ storms, comparisons, refused }: Contents): readonly Markup[] {
  const has = (bench: string): boolean => storms.some(({ file }) => file.log.run.bench === bench);
  return [
    ...(has('concert') ? [] : [html`<li>No log of a concert: <code>k-lani bench concert</code> writes one.</li>`]),
    ...(has('holiday') ? [] : [html`<li>No log of a Holiday Rush: <code>k-lani bench holiday</code> writes one.</li>`]),
    ...(comparisons.length > 0 ? [] : [html`<li>No log of a comparison: <code>npm run bench:compare</code> writes one.</li>`]),
    ...refused.map((sentence) => html`<li class="refused">${sentence}</li>`),
  ];
}

function notice(items: readonly Markup[]): Markup | string {
  if (items.length === 0) return '';
  return html`<div class="missing" role="note" aria-label="What is missing here">
    <p><b>What is missing here</b></p>
    <ul>
      ${items}
    </ul>
  </div>`;
}

function navigation({ storms, comparisons }: Contents): Markup {
  const [main, ...others] = storms;
  const targets: [string, string][] = [
    ...(main === undefined
      ? []
      : ([
          ['seats', `${main.story.words.unit} by ${main.story.words.unit}`],
          ['recount', 'recount'],
          ['latency', 'waiting'],
        ] satisfies [string, string][])),
    ...(others.length === 0 ? [] : [['storms', 'other storms'] satisfies [string, string]]),
    ...(comparisons.length === 0
      ? []
      : ([
          ['compared', 'at a glance'],
          ['scenarios', 'comparison'],
          ['systems', 'systems'],
        ] satisfies [string, string][])),
    ['proofs', 'what is not proved'],
    ['again', 'run it again'],
    ['where', 'where it ran'],
    ['checksums', 'checksums'],
  ];
  return html`<nav class="contents" aria-label="On this page">
    <ul>
      ${targets.map(([id, name]) => html`<li><a href="#${id}">${capital(name)}</a></li>`)}
    </ul>
  </nav>`;
}

function comparisonSections({ comparisons }: Contents, workings: Workings): readonly Markup[] {
  if (comparisons.length === 0) return [];
  const each = (draw: (comparison: Comparison) => Markup | readonly Markup[]): readonly Markup[] =>
    comparisons.flatMap((comparison) => draw(comparison));
  const open = each(gaps);
  return [
    html`<section id="compared">
      <h2>Side by side, at a glance</h2>
      <p>
        All systems in one run on one machine, with the same driver, clients and seeds, taking turns round by round. A ratio is taken within
        each round; the point is the median, the line goes from the least to the greatest.
      </p>
      <p>
        <span class="key" aria-hidden="true"></span> k-lani is ahead &emsp; <span class="key behind" aria-hidden="true"></span> the other is
        faster
      </p>
      ${each((comparison) => [extent(comparison), ...glance(comparison, workings)])}
      ${
        open.length === 0
          ? ''
          : html`<h3>Left out, failed, or cut off</h3>
              <ul>
                ${open}
              </ul>`
      }
    </section>`,
    html`<section id="scenarios">
      <h2>Scenario by scenario</h2>
      ${each((comparison) => scenarioSections(comparison, workings))}
    </section>`,
    html`<section id="systems">
      <h2>The systems</h2>
      ${each(systemsTable)}
    </section>`,
  ];
}

const LIMITS_OF_COMPARISON = html`<h3>What the comparison does not show</h3>
  <ul>
    <li>Other machines: drivers, servers and disk shared the processors named below, and the network was loopback.</li>
    <li>Other work: a system that loses here may win at what it was made for, and a general database does much that k-lani does not.</li>
    <li>
      Equal durability where it is not equal: the table of systems says what has happened when each of them answers. A ratio against one
      that answers before its sync compares unlike things.
    </li>
    <li>
      The best possible tuning: each system was set up as its configuration says, and used in the fastest of the ways that were tried.
    </li>
    <li>A power cut: processes were killed with SIGKILL, which leaves what the kernel had taken.</li>
  </ul>`;

function capital(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}
