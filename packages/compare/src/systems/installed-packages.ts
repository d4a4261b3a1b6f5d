/** Packages of npm as they are installed: versions, and the directories that make up a package with everything it needs here. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { InstalledPackage } from './system.ts';

interface Manifest {
  readonly name?: string;
  readonly version?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const MODULES = join(import.meta.dirname, '../../../../node_modules');

/** The version of an installed package. */
export function packageVersion(name: string): string {
  const { version } = manifestOf(join(MODULES, name));
  if (version === undefined) throw new Error(`Cannot tell the version of ${name}: its package.json does not say`);
  return version;
}

/** The directories of a package and of all that it depends on, as far as they are installed on this system. */
export function installedPackages(name: string): readonly InstalledPackage[] {
  const directories = new Map<string, string>();
  const visit = (wanted: string): void => {
    const directory = join(MODULES, wanted);
    if (directories.has(wanted) || !existsSync(directory)) return;
    directories.set(wanted, directory);
    const { dependencies, optionalDependencies } = manifestOf(directory);
    for (const needed of Object.keys({ ...dependencies, ...optionalDependencies })) visit(needed);
  };
  visit(name);
  return Array.from(directories.values(), (directory) => ({ directory }));
}

function manifestOf(directory: string): Manifest {
  return JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as Manifest;
}
