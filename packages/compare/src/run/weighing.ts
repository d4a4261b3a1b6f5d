/** What a system weighs: installed, in memory, on disk. */
import { execFileSync } from 'node:child_process';
import { globSync, lstatSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import type { InstalledPackage } from '../systems/system.ts';

const BLOCK_BYTES = 512;
const KIB = 1024;

/** Bytes that the files under a directory take on disk, allocated and not yet written ones included. */
export function allocatedBytes(directory: string): number {
  let blocks = 0;
  for (const path of globSync('**', { cwd: directory })) blocks += lstatSync(join(directory, path)).blocks;
  return blocks * BLOCK_BYTES;
}

/** Bytes of installed packages: as Debian's own list says, or as the files are; without the packages inside of a directory. */
export function installedBytes(packages: readonly InstalledPackage[]): number {
  return packages.reduce((sum, one) => sum + ('debian' in one ? debianBytes(one.debian) : fileBytes(one.directory)), 0);
}

/** @param pattern name of a package, as `dpkg-query` takes it */
function debianBytes(pattern: string): number {
  const text = execFileSync('dpkg-query', ['--show', '--showformat=${Installed-Size}\n', pattern], { encoding: 'utf8' });
  return text.split('\n').reduce((sum, kibibytes) => sum + Number(kibibytes) * KIB, 0);
}

function fileBytes(directory: string): number {
  const root = realpathSync(directory);
  let bytes = 0;
  for (const path of globSync('**', { cwd: root, exclude: ['**/node_modules/**', '**/*.test.ts'] })) {
    const stat = lstatSync(join(root, path));
    if (stat.isFile()) bytes += stat.size;
  }
  return bytes;
}
