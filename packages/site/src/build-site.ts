/**
 * The site, from raw logs alone: every file of it as text, by its path.
 *
 * | file | content |
 * | --- | --- |
 * | `index.html` | the claim, its storm, the comparison, and where they come from |
 * | `storm-*.html` | the other storms |
 * | `workings.html` | numbers that were computed, one a line |
 * | `logs/*.ndjson` | the raw logs, byte for byte |
 * | `logs/*.ndjson.html` | the raw logs, a line an anchor |
 *
 * 1. The same logs give the same site: no time, machine or directory of the building gets into it.
 * 2. A page refers to other files of the site alone.
 */
import { comparisonOf } from './comparison/measurements.ts';
import { type Contents, indexPage } from './page/index-page.ts';
import { logPage } from './page/log-page.ts';
import type { Run } from './page/provenance.ts';
import { fileOfStorm, stormPage } from './page/storm-page.ts';
import { workingsPage } from './page/workings-page.ts';
import { pageOfLog } from './raw/cite.ts';
import type { Logs, StormFile } from './raw/log-file.ts';
import { Workings, WORKINGS_PAGE } from './raw/workings.ts';
import { stormPart } from './storm/storm-part.ts';

/** Path → text, of all files. */
export function buildSite({ storms, comparisons, refused }: Logs): ReadonlyMap<string, string> {
  const workings = new Workings();
  const parts = storms.toSorted(byWeight).map((file) => stormPart(file, workings));
  const compared = comparisons.map((file) => ({ file, comparison: comparisonOf(file) }));
  const runs: Run[] = [
    ...parts.map(({ file }) => ({ file, comparison: undefined })),
    ...compared.filter(({ comparison }) => comparison !== undefined),
  ];
  const contents: Contents = { storms: parts, comparisons: compared.flatMap(({ comparison }) => comparison ?? []), runs, refused };
  const files = new Map([['index.html', indexPage(contents, workings)]]);
  for (const part of parts.slice(1)) files.set(fileOfStorm(part), stormPage(part));
  files.set(WORKINGS_PAGE, workingsPage(workings));
  for (const { file } of runs) files.set(`logs/${file.name}`, file.text).set(pageOfLog(file.name), logPage(file));
  return files;
}

/** Concerts first, then by buyers, those with a kill before those without. */
function byWeight(left: StormFile, right: StormFile): number {
  const weight = ({ log: { run } }: StormFile): readonly number[] => [Number(run.bench === 'concert'), run.buyers, Number(run.kill)];
  const [a, b] = [weight(left), weight(right)];
  return a.map((value, index) => (b[index] ?? 0) - value).find((difference) => difference !== 0) ?? (left.name < right.name ? -1 : 1);
}
