/** The table of canaries: what was planted, which checker found it, and when. */
import type { Canary } from './canaries.ts';
import type { Hunt } from './hunt.ts';

/** What became of a canary. */
export interface Hunted {
  readonly canary: Canary;
  readonly hunt: Hunt;
}

/** Whether a checker found the canary. */
export function isFound({ hunt }: Hunted): boolean {
  return hunt.findings !== undefined && hunt.failure === undefined;
}

/**
 * The table as people read it.
 *
 * @param cleanRuns how many runs without a canary found nothing, by kind; `undefined` where something was found
 */
export function canaryTable(hunted: readonly Hunted[], cleanRuns: Readonly<Record<Canary['foundBy'], number | undefined>>): string {
  const head = ['canary', 'found by', 'seed', 'runs', 'clean without', 'what it breaks'];
  const rows = hunted.map((one) => {
    const { canary, hunt } = one;
    const clean = cleanRuns[canary.foundBy];
    return [
      canary.name,
      isFound(one) ? checkersOf(hunt).join(', ') : 'NOT FOUND',
      String(hunt.seed ?? '–'),
      hunt.failure === undefined ? String(hunt.runs) : 'did not end',
      clean === undefined ? 'NO' : `${clean} runs`,
      canary.breaks,
    ];
  });
  return aligned([head, ...rows]);
}

/** The checkers that found something, once each. */
export function checkersOf({ findings = [] }: Hunt): string[] {
  return [...new Set(findings.map(({ checker }) => checker))];
}

function aligned(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
