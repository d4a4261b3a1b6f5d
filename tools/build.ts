/**
 * Makes the publishable packages under `dist/`: `dist/k-lani` and `dist/k-lani-client`, each ready for `npm pack`.
 *
 * Node refuses `.ts` files inside an installed package, so the sources are compiled once, and every published package carries the inner
 * packages that it needs, compiled, in its own `node_modules`: npm puts them into the tarball because the manifest names them in
 * `bundleDependencies`. What comes from outside is named in `dependencies`, for npm to fetch.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly license: string;
  readonly bin?: Readonly<Record<string, string>>;
  readonly imports?: Readonly<Record<string, string>>;
  readonly exports: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

interface Package {
  readonly folder: string;
  readonly manifest: Manifest;
}

/** What a published package carries and needs. */
interface Closure {
  readonly inner: ReadonlyMap<string, Package>;
  readonly outside: ReadonlyMap<string, string>;
}

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const DIST = join(ROOT, 'dist');
const COMPILED = join(DIST, 'js');
const COMPILER = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
const PUBLISHED = ['k-lani', 'k-lani-client'];
const NODE_RANGE = '>=24';

const packages = readPackages();
rmSync(DIST, { recursive: true, force: true });
execFileSync(process.execPath, [COMPILER, '-p', 'tsconfig.build.json'], { cwd: ROOT, stdio: 'inherit' });
for (const name of PUBLISHED) {
  stage(packageNamed(name));
  console.log(`dist/${name}`);
}

function readPackages(): ReadonlyMap<string, Package> {
  const found = globSync('packages/*/package.json', { cwd: ROOT }).map((path): Package => {
    const manifest = JSON.parse(readFileSync(join(ROOT, path), 'utf8')) as Manifest;
    return { folder: dirname(path), manifest };
  });
  return new Map(found.map((one) => [one.manifest.name, one]));
}

function packageNamed(name: string): Package {
  const found = packages.get(name);
  if (found === undefined) throw new Error(`Cannot build ${name}: no folder under packages/ has this name`);
  return found;
}

function stage(published: Package): void {
  const target = join(DIST, published.manifest.name);
  const { inner, outside } = closureOf(published);
  copyCompiled(published, target);
  writeManifest(target, published.manifest, {
    dependencies: {
      ...Object.fromEntries(outside),
      ...Object.fromEntries([...inner].map(([name, { manifest }]) => [name, manifest.version])),
    },
    bundleDependencies: [...inner.keys()],
    engines: { node: NODE_RANGE },
  });
  for (const file of ['LICENSE', 'README.md']) {
    if (existsSync(join(ROOT, file))) cpSync(join(ROOT, file), join(target, file));
  }
  for (const carried of inner.values()) {
    const place = join(target, 'node_modules', carried.manifest.name);
    copyCompiled(carried, place);
    writeManifest(place, carried.manifest, {});
  }
}

function closureOf(published: Package): Closure {
  const inner = new Map<string, Package>();
  const outside = new Map<string, string>();
  const visit = (one: Package): void => {
    for (const [name, version] of Object.entries(one.manifest.dependencies ?? {})) {
      const next = packages.get(name);
      if (next === undefined) {
        const other = outside.get(name);
        if (other !== undefined && other !== version) throw new Error(`Cannot build: ${name} is needed as ${other} and as ${version}`);
        outside.set(name, version);
      } else if (!inner.has(name)) {
        inner.set(name, next);
        visit(next);
      }
    }
  };
  visit(published);
  return { inner, outside };
}

/** Copies what was compiled, and what lies beside the sources and is not compiled: the command's shim and data files. */
function copyCompiled({ folder, manifest }: Package, target: string): void {
  mkdirSync(target, { recursive: true });
  cpSync(join(COMPILED, folder.replace(/^packages./, ''), 'src'), join(target, 'src'), { recursive: true });
  for (const path of globSync('src/**/*.*', { cwd: join(ROOT, folder), exclude: ['**/*.ts'] })) {
    cpSync(join(ROOT, folder, path), join(target, path));
  }
  for (const path of Object.values(manifest.bin ?? {})) {
    cpSync(join(ROOT, folder, path), join(target, path));
    chmodSync(join(target, path), 0o755);
  }
}

function writeManifest(target: string, manifest: Manifest, more: Readonly<Record<string, unknown>>): void {
  const { name, version, description, license, bin, imports = {}, exports } = manifest;
  const compiled = {
    name,
    version,
    description,
    license,
    type: 'module',
    ...(bin === undefined ? {} : { bin }),
    imports: Object.fromEntries(Object.entries(imports).map(([key, path]) => [key, path.replace(/\.ts$/, '.js')])),
    exports: { types: exports.replace(/\.ts$/, '.d.ts'), default: exports.replace(/\.ts$/, '.js') },
    ...more,
  };
  writeFileSync(join(target, 'package.json'), `${JSON.stringify(compiled, null, 2)}\n`);
}
