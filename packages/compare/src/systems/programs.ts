/** Where the programs of Debian's packages are. */
import { accessSync, constants, globSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Beside those on the path: where Debian puts servers. */
const FURTHER_DIRECTORIES = ['/usr/sbin', '/usr/local/sbin'];

/** The full path of a program, or `undefined`. */
export function programPath(name: string, path = process.env['PATH'] ?? ''): string | undefined {
  const directories = [...path.split(delimiter), ...FURTHER_DIRECTORIES];
  return directories.map((directory) => join(directory, name)).find(isProgram);
}

/** The newest of the programs that a pattern finds, by the numbers in their paths; or `undefined`. */
export function newestProgram(pattern: string): string | undefined {
  return globSync(pattern)
    .filter(isProgram)
    .toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .at(-1);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
