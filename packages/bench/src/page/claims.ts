/** What the page says in sentences: each of them is computed from the run, and says no more than the run shows. */
import { type Figures, markOf } from '../report/figures.ts';
import type { Latencies } from '../report/latencies.ts';
import type { RawLog } from '../report/raw-log.ts';
import type { BenchResult } from '../report/result.ts';
import { html, type Markup } from './markup.ts';
import { formatCount, formatUs, plural, type Words } from './words.ts';

/** Everything that a sentence may be about. */
export interface Story {
  readonly log: RawLog;
  readonly figures: Figures;
  readonly failures: readonly string[];
  readonly result: BenchResult;
  readonly words: Words;
  /** Units for sale. */
  readonly total: number;
}

/** The headline and what it rests on. */
export function headline({ log, figures, failures, words, total }: Story): Markup {
  const { run } = log;
  const when = `${run.startedAt.slice(0, 10)} ${run.startedAt.slice(11, 16)} UTC`;
  const kicker = html`<p class="kicker">k-lani, ${words.title}, ${when}</p>`;
  if (failures.length > 0) {
    return html`<header class="failed">
      ${kicker}
      <h1>This run failed.</h1>
      <p class="lead">
        ${plural(run.buyers, words.buyer, words.buyers)} asked for ${plural(total, words.unit, words.units)}, and this is wrong with it:
      </p>
      <ul>
        ${failures.map((failure) => html`<li><strong>${failure}</strong></li>`)}
      </ul>
    </header>`;
  }
  const kill = markOf(log, 'kill');
  const killed =
    kill === undefined
      ? ''
      : ` The server was killed with SIGKILL when ${formatCount(kill.sold)} were ${words.sold}, and answered again ${formatUs(figures.outageUs)} later; the ${words.buyers} went on.`;
  const how = run.flow === 'loop' ? 'lock, read again, replace, unlock' : 'one claim at a time';
  const count = figures.sold === total ? `All ${formatCount(total)}` : `${formatCount(figures.sold)} of ${formatCount(total)}`;
  return html`<header>
    ${kicker}
    <h1>${plural(run.buyers, words.buyer, words.buyers)}, ${plural(total, words.unit, words.units)}, none ${words.sold} twice.</h1>
    <p class="lead">
      ${count} ${words.units} were ${words.sold} over TCP in ${formatUs(log.end.wallUs)} by ${plural(run.workers, 'worker', 'workers')} on
      ${plural(run.connections, 'connection', 'connections')}: ${how}.${killed} At the end the server was killed, started again, and every
      row was counted from what it read back from disk.
    </p>
  </header>`;
}

/** The handful of figures that matter. */
export function keyFigures({ log, figures, words }: Story): Markup {
  const unknown = figures.unknown === 0 ? 'no outcome left unknown' : `${plural(figures.unknown, 'outcome', 'outcomes')} unknown`;
  const entries: [string, string, string][] = [
    [`${capital(words.sold)}, verified`, formatCount(figures.verifiedSold), `of ${formatCount(figures.sold)} acknowledged`],
    [`${capital(words.sold)} twice`, formatCount(figures.doubleSold), 'counted, not assumed'],
    ['Lost', formatCount(figures.lost), unknown],
    [
      'Time',
      formatUs(log.end.wallUs),
      log.run.kill ? `${formatUs(figures.outageUs)} of it without a server` : 'first request to last answer',
    ],
    ['Peak', `${formatCount(figures.peakQps)}/s`, 'reads and updates, best 100 ms'],
    ['Reads, median', ...medianAnd99(figures.read)],
    ['Updates, median', ...medianAnd99(figures.update)],
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

function medianAnd99({ count, p50Us, p99Us }: Latencies): [string, string] {
  return count === 0 ? ['–', 'there were none'] : [formatUs(p50Us), `99 % within ${formatUs(p99Us)}`];
}

/** The recount, line by line. */
export function recountTable({ log, figures, words, total }: Story): Markup {
  const rows: [string, string, number][] = [
    ['Acknowledged', `${capital(words.buyers)} who were told: yours.`, figures.sold],
    ['Found again', `Of those, booked rows with that ${words.buyer} after the restart.`, figures.verifiedSold],
    [`${capital(words.sold)} twice`, `A row acknowledged to two, or booked by somebody who was not told so.`, figures.doubleSold],
    ['Lost', `Acknowledged, and the row is free, missing or somebody else's.`, figures.lost],
    [
      'Unknown',
      `Never learned the outcome; at most the ${formatCount(figures.unknownMax)} requests in flight at the kill may.`,
      figures.unknown,
    ],
    [
      'Refused',
      `Told that nothing is left for them; ${formatCount(figures.free)} of all ${formatCount(total)} rows are still free.`,
      figures.noTicket,
    ],
    ['Lock conflicts', 'Somebody else held the lock: answered at once, nobody waits in line.', figures.lockConflicts],
    ['Stale candidates', `Free when asked, ${words.sold} when read again under the lock.`, figures.alreadySold],
    ['Failed workers', 'Ended by an error.', log.end.failures.length],
  ];
  return html`<div class="scroll" tabindex="0" role="region" aria-label="The recount">
    <table class="count">
      <tbody>
        ${rows.map(
          ([name, note, count]) =>
            html`<tr>
              <th scope="row">${name}<small>${note}</small></th>
              <td>${formatCount(count)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

/** What follows from the run, and what does not. */
export function proofs(story: Story): Markup {
  const list = (items: readonly string[]): Markup =>
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

function shown({ log, figures, failures, words }: Story): string[] {
  if (failures.length > 0) return ['That the recount can fail: the sentences at the top say where.'];
  const items = [
    `No ${words.unit} went to two ${words.buyers}, and no ${words.buyer} who was told "yours" was left without. Both are counted from the rows, not from the server's own counters.`,
    `What was acknowledged outlives the process: before the recount the server was ended with SIGKILL, so nothing counts that was only in its memory.`,
    `Nobody was refused while there was a ${words.unit} left.`,
  ];
  if (log.run.kill) {
    items.push(
      `A kill in the middle of the rush costs time, not ${words.units}: ${plural(figures.unknownMax, 'request was', 'requests were')} in flight, and ${figures.unknown === 0 ? 'no sale among them was left without its answer, because a client asks again under the same operation id' : `${plural(figures.unknown, 'outcome was', 'outcomes were')} never learned`}.`,
    );
  }
  if (figures.lockConflicts + figures.alreadySold > 0) {
    items.push(
      `Contention is answered, not queued: ${formatCount(figures.lockConflicts)} lock conflicts and ${formatCount(figures.alreadySold)} stale candidates were each settled at once.`,
    );
  }
  return items;
}

function notShown({ log, result, words }: Story): string[] {
  const items = [
    `That a sale survives a power cut. SIGKILL ends a process, not the machine, and what the kernel had taken would have survived without a sync. That no answer leaves before its sync returned (durability ${log.run.durability}) is shown by a test that traces the server's system calls.`,
    `How fast it is elsewhere: server and ${words.buyers} shared ${plural(result.host.cores, 'processor', 'processors')} and the loopback network. Latencies include the waiting in the one thread that plays all ${words.buyers}.`,
    'How it compares with other databases: that needs both in one run, on one machine.',
    'Payment, carts, fair order, or a browser talking to the server. This is the inventory behind them.',
    'That another program would read the same from the files. The rows were read by the server itself; "k-lani verify" checks every record and the chain of hashes.',
  ];
  if (log.run.durability === 'os') items.unshift('Durability before the answer: in mode "os" an answer does not wait for the sync.');
  if (result.filesystem === 'tmpfs' || result.filesystem === 'ramfs')
    items.unshift(`What a sync costs: the data lay on ${result.filesystem}, which is memory.`);
  return items;
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
