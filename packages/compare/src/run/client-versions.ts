import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CLIENTS = ['k-lani-client', 'ioredis', 'pg', 'mariadb'];

/** The version of each client library. */
export function clientVersions(): Record<string, string> {
  return Object.fromEntries(CLIENTS.map((name) => [name, versionOf(name)]));
}

/** From the `package.json` nearest above the library's entry that has the library's name. */
function versionOf(name: string): string {
  let directory = dirname(fileURLToPath(import.meta.resolve(name)));
  while (directory !== dirname(directory)) {
    const manifest = readManifest(join(directory, 'package.json'));
    if (manifest?.name === name && manifest.version !== undefined) return manifest.version;
    directory = dirname(directory);
  }
  throw new Error(`Cannot tell the version of ${name}: there is no package.json above its entry`);
}

function readManifest(file: string): { readonly name?: string; readonly version?: string } | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as { readonly name?: string; readonly version?: string };
  } catch {
    return undefined;
  }
}
