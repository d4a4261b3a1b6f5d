/** What the page says in sentences: each of them is computed from the run, and says no more than the run shows. */
import { type Figures, markOf } from '../report/figures.ts';
import type { RawLog } from '../report/raw-log.ts';
import { html, type Markup } from './markup.ts';
import type { NumberName, Say } from './storm-numbers.ts';
import { formatCount, formatUs, plural, type Words } from './words.ts';

/** Everything that a sentence may be about. */
export interface Story {
  readonly log: RawLog;
  readonly figures: Figures;
  /** What is wrong with it, one sentence each. */
  readonly failures: readonly (string | Markup)[];
  readonly words: Words;
  /** Says each number that a sentence needs. */
  readonly say: Say;
  /** Units for sale. */
  readonly total: number;
}

/** The headline and what it rests on. */
export function headline({ log, figures, failures, words, say, total }: Story): Markup {
  const { run } = log;
  const kicker = html`<p class="kicker">k-lani, ${words.title}: who got it?</p>`;
  const buyers = say('buyers', (count) => plural(count, words.buyer, words.buyers));
  const units = say('total', (count) => plural(count, words.unit, words.units));
  if (failures.length > 0) {
    return html`<header class="failed">
      ${kicker}
      <h1>This run failed.</h1>
      <p class="lead">${buyers} asked for ${units}, and this is wrong with it:</p>
      <ul>
        ${failures.map((failure) => html`<li><strong>${failure}</strong></li>`)}
      </ul>
    </header>`;
  }
  const kill = markOf(log, 'kill');
  const killed =
    kill === undefined
      ? ''
      : html` The server was killed with SIGKILL when ${say('soldAtKill', formatCount)} were ${words.sold}, and answered again
        ${say('outageUs', formatUs)} later; the ${words.buyers} went on.`;
  const how = run.flow === 'loop' ? 'lock, read again, replace, unlock' : 'one claim at a time';
  const count =
    figures.sold === total ? html`All ${say('sold', formatCount)}` : html`${say('sold', formatCount)} of ${say('total', formatCount)}`;
  return html`<header>
    ${kicker}
    <h1>${buyers}, ${units}, none ${words.sold} twice.</h1>
    <p class="lead">
      ${count} ${words.units} were ${words.sold} over TCP in ${say('wallUs', formatUs)} by
      ${say('workers', (workers) => plural(workers, 'worker', 'workers'))} on
      ${say('connections', (connections) => plural(connections, 'connection', 'connections'))}: ${how}.${killed} At the end the server was
      killed, started again, and every row was counted from what it read back from disk.
    </p>
  </header>`;
}

/** The handful of figures that matter. */
export function keyFigures({ log, figures, words, say }: Story): Markup {
  const unknown =
    figures.unknown === 0
      ? html`no outcome left unknown`
      : html`${say('unknown', (count) => plural(count, 'outcome', 'outcomes'))} unknown`;
  const entries: [string, Markup, Markup][] = [
    [`${capital(words.sold)}, verified`, say('verifiedSold', formatCount), html`of ${say('sold', formatCount)} acknowledged`],
    [`${capital(words.sold)} twice`, say('doubleSold', formatCount), html`counted, not assumed`],
    ['Lost', say('lost', formatCount), unknown],
    [
      'Time',
      say('wallUs', formatUs),
      log.run.kill ? html`${say('outageUs', formatUs)} of it without a server` : html`first request to last answer`,
    ],
    ['Peak', say('peakQps', (rate) => `${formatCount(rate)}/s`), html`reads and updates, in the best tenth of a second`],
    ['Reads, median', ...medianAndHigh('read', say)],
    ['Updates, median', ...medianAndHigh('update', say)],
  ];
  return html`<dl class="figures">
    ${entries.map(
      ([name, value, note]) =>
        html`<div>
          <dt>${name}</dt>
          <dd>${value}<small>${note}</small></dd>
        </div>`,
    )}
  </dl>`;
}

function medianAndHigh(kind: 'read' | 'update', say: Say): [Markup, Markup] {
  return [say(`${kind} p50Us`, formatUs), html`p99 ${say(`${kind} p99Us`, formatUs)}`];
}

/** The recount, line by line. */
export function recountTable({ words, say }: Story): Markup {
  const rows: [string, Markup | string, NumberName][] = [
    ['Acknowledged', `${capital(words.buyers)} who were told: yours.`, 'sold'],
    ['Found again', `Of those, booked rows with that ${words.buyer} after the restart.`, 'verifiedSold'],
    [`${capital(words.sold)} twice`, `A row acknowledged to two, or booked by somebody who was not told so.`, 'doubleSold'],
    ['Lost', `Acknowledged, and the row is free, missing or somebody else's.`, 'lost'],
    [
      'Unknown',
      html`Never learned the outcome; at most the ${say('unknownMax', formatCount)} requests in flight at the kill may.`,
      'unknown',
    ],
    [
      'Refused',
      html`Told that nothing is left for them; ${say('free', formatCount)} of all ${say('total', formatCount)} rows are still free.`,
      'noTicket',
    ],
    ['Lock conflicts', 'Somebody else held the lock: answered at once, nobody waits in line.', 'lockConflicts'],
    ['Stale candidates', `Free when asked, ${words.sold} when read again under the lock.`, 'alreadySold'],
    ['Failed workers', 'Ended by an error.', 'failedWorkers'],
  ];
  return html`<div class="scroll" tabindex="0" role="region" aria-label="The recount">
    <table class="count">
      <caption>
        What the ${words.buyers} were told, held against the rows after the restart
      </caption>
      <thead>
        <tr>
          <th scope="col">Counted</th>
          <th scope="col">Number</th>
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          ([name, note, count]) =>
            html`<tr>
              <th scope="row">${name}<small>${note}</small></th>
              <td>${say(count, formatCount)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

/** What follows from the run, and what does not. */
export function proofs(story: Story): Markup {
  const list = (items: readonly Markup[]): Markup =>
    html`<ul>
      ${items.map((item) => html`<li>${item}</li>`)}
    </ul>`;
  return html`<div class="columns">
    <div>
      <h3>It shows</h3>
      ${list(shown(story))}
    </div>
    <div>
      <h3>It does not show</h3>
      ${list(notShown(story))}
    </div>
  </div>`;
}

function shown({ log, figures, failures, words, say }: Story): Markup[] {
  if (failures.length > 0) return [html`That the recount can fail: the sentences at the top say where.`];
  const items = [
    html`No ${words.unit} went to two ${words.buyers}, and no ${words.buyer} who was told "yours" was left without. Both are counted from
    the rows, not from the server's own counters.`,
    html`What was acknowledged outlives the process: before the recount the server was ended with SIGKILL, so nothing counts that was only
    in its memory.`,
    html`Nobody was refused while there was a ${words.unit} left.`,
  ];
  if (log.run.kill) {
    items.push(
      html`A kill in the middle of the rush costs time, not ${words.units}:
      ${say('unknownMax', (count) => plural(count, 'request was', 'requests were'))} in flight, and
      ${
        figures.unknown === 0
          ? 'no sale among them was left without its answer, because a client asks again under the same operation id'
          : html`${say('unknown', (count) => plural(count, 'outcome was', 'outcomes were'))} never learned`
      }.`,
    );
  }
  if (figures.lockConflicts + figures.alreadySold > 0) {
    items.push(
      html`Contention is answered, not queued: ${say('lockConflicts', formatCount)} lock conflicts and ${say('alreadySold', formatCount)}
      stale candidates were each settled at once.`,
    );
  }
  return items;
}

function notShown({ log, words, say }: Story): Markup[] {
  const items = [
    html`That a sale survives a power cut. SIGKILL ends a process, not the machine, and what the kernel had taken would have survived
    without a sync. That no answer leaves before its sync returned (durability ${log.run.durability}) is shown by a test that traces the
    server's system calls.`,
    html`How fast it is elsewhere: server and ${words.buyers} shared ${say('cores', (cores) => plural(cores, 'processor', 'processors'))}
    and the loopback network. Latencies include the waiting in the one thread that plays all ${words.buyers}.`,
    html`How it compares with other databases: k-lani ran alone here, and that needs both in one run, on one machine.`,
    html`Payment, carts, fair order, or a browser talking to the server. This is the inventory behind them.`,
    html`That another program would read the same from the files. The rows were read by the server itself; "k-lani verify" checks every
    record and the chain of hashes.`,
  ];
  if (log.run.durability === 'os') items.unshift(html`Durability before the answer: in mode "os" an answer does not wait for the sync.`);
  const { filesystem } = log.machine;
  if (filesystem === 'tmpfs' || filesystem === 'ramfs')
    items.unshift(html`What a sync costs: the data lay on ${filesystem}, which is memory.`);
  return items;
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
