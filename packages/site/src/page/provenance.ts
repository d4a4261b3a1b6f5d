/** Where the numbers come from: machines, code, checksums, and the commands that make them again. */
import { formatBytes, formatCount, html, type Markup, plural } from '@k-lani/bench';
import type { Comparison } from '../comparison/measurements.ts';
import { citeCell, citeFile, pageOfLog } from '../raw/cite.ts';
import type { ComparisonFile, StormFile } from '../raw/log-file.ts';
import type { Cell } from '../raw/quantity.ts';

/** A run: its log, and the lines that say where it took place. */
export interface Run {
  readonly file: StormFile | ComparisonFile;
  readonly comparison: Comparison | undefined;
}

/** One machine and code a log. */
export function hosts(runs: readonly Run[]): Markup {
  return html`${runs.map(
    (run) =>
      html`<h3>${run.file.name}</h3>
        ${factsOf(run)}`,
  )}`;
}

/** Raw logs, and code that ran, with their SHA-256. */
export function checksums(runs: readonly Run[]): Markup {
  const rows = runs.map((run) => {
    const { name, sizeBytes, sha256 } = run.file;
    const { code, at } = placeOf(run);
    return html`<tr>
      <th scope="row"><a href="${pageOfLog(name)}">${name}</a></th>
      <td>${citeFile(name, formatBytes(sizeBytes))}</td>
      <td><code>${citeFile(name, sha256)}</code></td>
      <td><code>${citeCell(at('code', 'sha256'), code.sha256)}</code></td>
      <td>${citeCell(at('code', 'files'), formatCount(code.files))}</td>
    </tr>`;
  });
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Checksums">
    <table class="words">
      <caption>
        SHA-256 of each raw log, and over all sources that ran when it was written
      </caption>
      <thead>
        <tr>
          <th scope="col">Raw log</th>
          <th scope="col">Size</th>
          <th scope="col">SHA-256</th>
          <th scope="col">SHA-256 of the sources</th>
          <th scope="col">Files</th>
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div>`;
}

/** The command of each log. */
export function commands(runs: readonly Run[]): Markup {
  const items = runs.map(({ file, comparison }) => {
    const command = file.kind === 'storm' ? file.log.run.command : (comparison?.run.value.command ?? '');
    const cell: Cell = { file: file.name, line: comparison?.run.line ?? 1, path: ['run', 'command'] };
    return html`<p>What <a href="${pageOfLog(file.name)}">${file.name}</a> was written by:</p>
      <pre><code>${citeCell(cell, unbroken(command))}</code></pre>`;
  });
  return html`${items}`;
}

/** A command whose lines break only between options. */
function unbroken(command: string): Markup {
  return html`${command.split(' --').map((word, index) => html`<span class="keep">${index === 0 ? '' : ' --'}${word}</span>`)}`;
}

type PlaceOfRun = Pick<Comparison['run']['value'], 'host' | 'filesystem' | 'code' | 'node' | 'startedAt'> & {
  readonly clients: Readonly<Record<string, string>>;
  /** The cell of what is at a path. */
  readonly at: (...path: readonly string[]) => Cell;
  readonly startedAtCell: Cell;
};

/** The same of both kinds of logs: a storm says it on its second line, a comparison on its first. */
function placeOf({ file, comparison }: Run): PlaceOfRun {
  if (file.kind === 'storm') {
    const { machine, run } = file.log;
    const line = file.text.split('\n').findIndex((text) => text.startsWith('{"machine"')) + 1;
    return {
      ...machine,
      node: machine.versions.node,
      startedAt: run.startedAt,
      clients: {},
      at: (...path) => ({ file: file.name, line, path: ['machine', ...(path[0] === 'node' ? ['versions', 'node'] : path)] }),
      startedAtCell: { file: file.name, line: 1, path: ['run', 'startedAt'] },
    };
  }
  if (comparison === undefined) throw new Error(`Cannot say where ${file.name} was written: it has no run`);
  const { line, value } = comparison.run;
  const at = (...path: readonly string[]): Cell => ({ file: file.name, line, path: ['run', ...path] });
  return { ...value, at, startedAtCell: at('startedAt') };
}

function factsOf(run: Run): Markup {
  const { host, filesystem, node, code, clients, startedAt, at, startedAtCell } = placeOf(run);
  const { cpu, cores, memoryBytes, platform, kernel, arch } = host;
  const versions = Object.entries(clients).map(
    ([name, version], index) => html`${index === 0 ? '' : ', '}${name} ${citeCell(at('clients', name), version)}`,
  );
  const commit = code.commit === undefined ? html`no commit` : html`<code>${citeCell(at('code', 'commit'), code.commit)}</code>`;
  const facts: [string, Markup][] = [
    ['When', citeCell(startedAtCell, `${startedAt.slice(0, 10)} ${startedAt.slice(11, 16)} UTC`)],
    ['Processor', html`${citeCell(at('host', 'cpu'), cpu)}, ${citeCell(at('host', 'cores'), plural(cores, 'core', 'cores'))} in use`],
    ['Memory', citeCell(at('host', 'memoryBytes'), formatBytes(memoryBytes))],
    [
      'System',
      html`${citeCell(at('host', 'platform'), platform)} ${citeCell(at('host', 'kernel'), kernel)}, ${citeCell(at('host', 'arch'), arch)}`,
    ],
    ['File system', citeCell(at('filesystem'), filesystem)],
    ['Node', citeCell(at('node'), node)],
    ...(versions.length === 0 ? [] : [['Client libraries', html`${versions}`] satisfies [string, Markup]]),
    ['Commit', commit],
  ];
  return html`<dl class="facts">
    ${facts.map(
      ([name, value]) =>
        html`<dt>${name}</dt>
          <dd>${value}</dd>`,
    )}
  </dl>`;
}
