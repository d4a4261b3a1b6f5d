/** Where the demo keeps its files unless told otherwise: with the user's other data, or with temporary files where that cannot be written. */
import { accessSync, constants, mkdirSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';

/** The directory, which is there and can be written. */
export function demoDirectory(): string {
  const directory = join(userDataDirectory(), 'k-lani', 'demo');
  try {
    mkdirSync(directory, { recursive: true });
    accessSync(directory, constants.W_OK);
    return directory;
  } catch {
    return join(tmpdir(), 'k-lani-demo');
  }
}

function userDataDirectory(): string {
  const { XDG_DATA_HOME, LOCALAPPDATA } = process.env;
  if (process.platform === 'win32') return LOCALAPPDATA || join(homedir(), 'AppData', 'Local');
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Application Support');
  return XDG_DATA_HOME || join(homedir(), '.local', 'share');
}
