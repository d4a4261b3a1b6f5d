import { createHash } from 'node:crypto';
import type { Code } from './code-that-ran.ts';
import { failuresOf, type Figures, figuresOf } from './figures.ts';
import type { Host } from './host.ts';
import type { RawLog, RunHeader } from './raw-log.ts';
import { summaryLine } from './summary-line.ts';

/** What `result.json` holds: the figures of one run and where they come from. */
export interface BenchResult {
  readonly format: 1;
  /** The last line that the command printed. */
  readonly line: string;
  /** What is wrong with the run, one sentence each; empty when nothing is. */
  readonly failures: readonly string[];
  readonly run: RunHeader;
  readonly figures: Figures;
  readonly host: Host;
  /** The file system type of the data directory. */
  readonly filesystem: string;
  readonly durability: string;
  readonly versions: { readonly node: string; readonly kLani: string };
  /** The most memory that the server's process had resident, its mapped log included; null where the system does not tell. */
  readonly serverPeakBytes: number | null;
  readonly code: Code;
  readonly rawLog: { readonly file: string; readonly sizeBytes: number; readonly sha256: string };
}

/** Puts together what is known of a run; everything about its outcome is computed from `log`. */
export function makeResult(input: {
  readonly log: RawLog;
  /** The text of `log`, as it is in the file. */
  readonly rawLog: string;
  readonly rawLogFile: string;
  readonly serverPeakBytes: number | undefined;
}): BenchResult {
  const { log, rawLog } = input;
  const figures = figuresOf(log);
  return {
    format: 1,
    line: summaryLine(log, figures),
    failures: failuresOf(log, figures),
    run: log.run,
    figures,
    ...log.machine,
    durability: log.run.durability,
    serverPeakBytes: input.serverPeakBytes ?? null,
    rawLog: {
      file: input.rawLogFile,
      sizeBytes: Buffer.byteLength(rawLog),
      sha256: createHash('sha256').update(rawLog).digest('hex'),
    },
  };
}
