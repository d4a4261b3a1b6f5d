/** A storm on the site: what it came to, sale by sale, and its recount, every number with its line in the raw log. */
import {
  failuresOf,
  type Figures,
  figuresOf,
  headline,
  html,
  keyFigures,
  type Markup,
  percentileTable,
  proofs,
  recountTable,
  replay,
  type Say,
  type Story,
  wordsOf,
} from '@k-lani/bench';
import { citeCell, pageOfLog } from '../raw/cite.ts';
import type { StormFile } from '../raw/log-file.ts';
import type { Workings } from '../raw/workings.ts';
import { linesByKind, stormQuantities } from './storm-quantities.ts';

/** A storm, ready to be written about. */
export interface StormPart {
  readonly file: StormFile;
  readonly story: Story;
}

export function stormPart(file: StormFile, workings: Workings): StormPart {
  const { log } = file;
  const quantities = stormQuantities(file);
  const say: Say = (name, format) => {
    const quantity = quantities.get(name);
    return quantity === undefined ? html`–` : workings.cite(quantity, format(quantity.value));
  };
  const figures = figuresOf(log);
  const total = log.run.groupSizes.reduce((sum, size) => sum + size, 0);
  return { file, story: { log, figures, failures: failuresIn(file, figures), words: wordsOf(log.run.bench), say, total } };
}

/** What is wrong with a storm: workers' own words, and the names of what the recount counts. */
function failuresIn({ name, text, log }: StormFile, figures: Figures): readonly Markup[] {
  const [line = 0] = linesByKind(text).get('end') ?? [];
  const workers = log.end.failures.map(
    (failure, index) => html`A worker failed: ${citeCell({ file: name, line, path: ['end', 'failures', index] }, failure)}`,
  );
  const counted = failuresOf({ ...log, end: { ...log.end, failures: [] } }, figures);
  return [
    ...workers,
    ...counted.map((sentence) => html`${sentence.split(':')[0] ?? ''}: not as it must be; the recount below has the numbers.`),
  ];
}

/** The claim: headline and key figures. */
export function claim({ story }: StormPart): Markup {
  return html`${headline(story)} ${keyFigures(story)}`;
}

/** Replay, recount and percentiles. */
export function stormSections({ file, story }: StormPart): readonly Markup[] {
  const { log, words, say } = story;
  const first = linesByKind(file.text).get('sale')?.[0];
  const lines = first === undefined ? undefined : { page: pageOfLog(file.name), first };
  return [
    html`<section id="seats">
      <h2>The ${words.units} as they go</h2>
      <p>
        Every sale is a line of the raw log. Play them, move through time, or go from one to the next; the sale that is shown links to its
        line.
      </p>
      ${replay(log, words, say, lines)}
    </section>`,
    html`<section id="recount">
      <h2>The recount</h2>
      <p>
        After the last answer the server was killed, started again on the same directory, and asked for all its rows. They are held against
        what the ${words.buyers} had been told.
      </p>
      ${recountTable(story)}
    </section>`,
    html`<section id="latency">
      <h2>How long they waited</h2>
      ${percentileTable(log.windows, say)}
    </section>`,
  ];
}

/** What follows from the storm, and what does not. */
export function stormProofs({ story }: StormPart): Markup {
  return proofs(story);
}
