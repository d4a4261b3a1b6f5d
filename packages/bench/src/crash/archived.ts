/**
 * What a server that compacts its log has given up, and what it keeps: together they are one log, from its first batch on. Looked at while no
 * process has the database open.
 */
import { linkSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { verifyLog } from '@k-lani/engine';
import { KLaniError } from '@k-lani/protocol';

/** Says what is wrong with the archive of the database in `directory`, in one sentence; `undefined` when nothing is. */
export function archiveFault(directory: string, archive: string): string | undefined {
  const whole = mkdtempSync(join(dirname(archive), 'whole-'));
  try {
    const archived = segmentsIn(archive);
    for (const name of archived) linkSync(join(archive, name), join(whole, name));
    for (const name of segmentsIn(directory)) if (!archived.includes(name)) linkSync(join(directory, name), join(whole, name));
    verifyLog(whole);
    return undefined;
  } catch (error) {
    if (!(error instanceof KLaniError)) throw error;
    return `The archive with what is kept is not one log: ${error.message}`;
  } finally {
    rmSync(whole, { recursive: true });
  }
}

function segmentsIn(directory: string): string[] {
  return readdirSync(directory).filter((name) => /^\d+\.segment$/.test(name));
}
