import { globSync, readFileSync } from 'node:fs';
import { matchesGlob, posix } from 'node:path';
import {
  ADAPTERS,
  CHANCE_OF_NODE_CRYPTO,
  type Effect,
  EFFECTS_OF_GLOBALS,
  EFFECTS_OF_MODULES,
  ENGINE_FOLDERS,
  FREE_PACKAGES,
  NODE_FREE,
  NODE_GLOBALS,
  PACKAGES,
} from './layers.ts';
import { type Facts, readFacts, type SourceFile } from './source-file.ts';

/** The most lines a file may have. */
export const LINES_MAX = 500;

const DRAWER_NAMES = /^(?:utils?|common|helpers?|managers?|misc)$/i;
const LEFT_OVERS = /\b(?:TO-?DO|FIX-?ME|XX{2})\b/;
const ENGINE_SOURCES = 'packages/engine/src/';

/** The files that the rules look at. */
export interface Tree {
  readonly sources: readonly (SourceFile & { readonly facts: Facts })[];
  readonly documents: readonly SourceFile[];
  /** Folder of a package → its `package.json`, as far as the rules need it. */
  readonly manifests: ReadonlyMap<string, Manifest>;
}

/** What the rules need of a `package.json`. */
export interface Manifest {
  readonly name: string;
  readonly imports?: Readonly<Record<string, string>>;
}

/** A rule gives one sentence for each breach, with the file and line. */
export type Rule = (tree: Tree) => readonly string[];

/** Reads the tree under `root`. */
export function readTree(root: string): Tree {
  const read = (patterns: readonly string[]): SourceFile[] =>
    globSync(patterns, { cwd: root, exclude: ['**/node_modules/**', 'dist/**'] })
      .toSorted()
      .map((path) => ({ path: path.replaceAll('\\', '/'), text: readFileSync(posix.join(root, path), 'utf8') }));
  const manifests = new Map<string, Manifest>();
  for (const { path, text } of read(['packages/*/package.json'])) {
    manifests.set(posix.basename(posix.dirname(path)), JSON.parse(text) as Manifest);
  }
  return plant(
    { sources: [], documents: read(['*.md', 'docs/**/*.md', '.ci/*', 'package-lock.json']), manifests },
    ...read(['packages/*/{src,bin,test}/**/*.{ts,js}', '{tools,bench,sim}/**/*.ts']),
  );
}

/** The same tree with more sources: how a test shows that a rule notices. */
export function plant(tree: Tree, ...files: readonly SourceFile[]): Tree {
  return { ...tree, sources: [...tree.sources, ...files.map((file) => ({ ...file, facts: readFacts(file) }))] };
}

/** Rules 1 and 2 of `layers.ts`, between packages. */
export function packageImports(tree: Tree): string[] {
  const folders = new Map([...tree.manifests].map(([folder, manifest]) => [manifest.name, folder]));
  const breaches: string[] = [];
  for (const folder of tree.manifests.keys()) {
    if (PACKAGES[folder] === undefined) breaches.push(`packages/${folder} has no row in layers.ts`);
  }
  for (const { file, target, at } of importsOf(tree)) {
    const from = packageOf(file.path);
    if (from === undefined) continue;
    const to = target.path === undefined ? folders.get(target.module ?? '') : packageOf(target.path);
    if (target.path !== undefined && to !== from) breaches.push(`${at}: packages/${from} reaches ${target.path} by its path`);
    if (target.path === `packages/${from}/src/mod.ts`) breaches.push(`${at}: packages/${from} imports its own mod.ts`);
    if (target.path === undefined && to !== undefined && PACKAGES[from]?.includes(to) !== true) {
      breaches.push(`${at}: packages/${from} may not import packages/${to}`);
    }
  }
  return breaches;
}

/** Rule 2 of `layers.ts`, between folders of the engine. */
export function engineImports(tree: Tree): string[] {
  const breaches: string[] = [];
  for (const { file, target, at } of importsOf(tree)) {
    const from = engineFolderOf(file.path);
    const to = engineFolderOf(target.path ?? '');
    if (from === undefined || to === undefined || from === to) continue;
    const allowed = isForTests(file.path) ? reachableFrom(from) : ENGINE_FOLDERS[from];
    if (allowed?.includes(to) !== true) breaches.push(`${at}: engine/src/${from} may not import engine/src/${to}`);
  }
  for (const { path } of tree.sources) {
    const folder = engineFolderOf(path);
    if (folder !== undefined && ENGINE_FOLDERS[folder] === undefined) breaches.push(`${path}: ${folder} has no row in layers.ts`);
  }
  return breaches;
}

/** Rule 3 of `layers.ts`. */
export function nodeFree(tree: Tree): string[] {
  const breaches: string[] = [];
  for (const { path, facts } of tree.sources) {
    if (isForTests(path) || !NODE_FREE.some((glob) => matchesGlob(path, glob))) continue;
    for (const { name, line } of facts.imports) {
      if (name.startsWith('node:')) breaches.push(`${path}:${line}: ${name} does not exist in a browser`);
    }
    for (const { name, line } of facts.globals) {
      if (NODE_GLOBALS.includes(name)) breaches.push(`${path}:${line}: ${name} does not exist in a browser`);
    }
  }
  return breaches;
}

/** Rule 4 of `layers.ts`. */
export function adapters(tree: Tree): string[] {
  const breaches: string[] = [];
  const used = new Map<string, Set<Effect>>();
  for (const { path, facts } of tree.sources) {
    const owner = packageOf(path);
    if (owner === undefined || FREE_PACKAGES.includes(owner) || isForTests(path)) continue;
    const effects = new Set<Effect>();
    used.set(path, effects);
    for (const { name, line, effect } of effectsOf(facts)) {
      effects.add(effect);
      if (ADAPTERS[path]?.includes(effect) !== true)
        breaches.push(`${path}:${line}: ${name} touches ${effect}, and this is no adapter of it`);
    }
  }
  for (const [path, effects] of Object.entries(ADAPTERS)) {
    for (const effect of effects) {
      if (used.get(path)?.has(effect) !== true) breaches.push(`${path} is listed as an adapter of ${effect}, and does not touch it`);
    }
  }
  return breaches;
}

/** Files stay short enough to be read. */
export function fileLengths(tree: Tree): string[] {
  return tree.sources.flatMap(({ path, text }) => {
    const lines = text.split('\n').length - 1;
    return lines > LINES_MAX ? [`${path} has ${lines} lines, must be <= ${LINES_MAX}`] : [];
  });
}

/** A file is named for what it owns. */
export function fileNames(tree: Tree): string[] {
  return tree.sources.flatMap(({ path }) => {
    const drawer = path.split(/[/.-]/).find((word) => DRAWER_NAMES.test(word));
    return drawer === undefined ? [] : [`${path}: "${drawer}" does not say what is in it`];
  });
}

/** What is not done is an issue, not a comment. */
export function leftOvers(tree: Tree): string[] {
  return [...tree.sources, ...tree.documents].flatMap(({ path, text }) =>
    text.split('\n').flatMap((line, index) => (LEFT_OVERS.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [])),
  );
}

/** A test has a sentence for a name, a body that can fail, and runs. */
export function tests(tree: Tree): string[] {
  const breaches: string[] = [];
  for (const { path, facts } of tree.sources) {
    if (!isTest(path)) continue;
    if (facts.tests.length === 0) breaches.push(`${path} contains no test`);
    for (const { name, line, modifier, hasBody } of facts.tests) {
      if (!hasBody) breaches.push(`${path}:${line}: test "${name}" has no body, and would pass`);
      if (modifier !== '') breaches.push(`${path}:${line}: test.${modifier}() leaves tests out`);
      if (!/\S\s+\S/.test(name)) breaches.push(`${path}:${line}: "${name}" is not a sentence`);
    }
  }
  return breaches;
}

/** The lock file works with every registry. */
export function lockFile(tree: Tree): string[] {
  return tree.documents.flatMap(({ path, text }) =>
    path === 'package-lock.json' ? (text.match(/"resolved": "\w+:.*"/g) ?? []).map((line) => `${path} holds an address: ${line}`) : [],
  );
}

interface ResolvedImport {
  readonly file: SourceFile;
  readonly at: string;
  readonly target: { readonly path?: string; readonly module?: string };
}

function importsOf(tree: Tree): ResolvedImport[] {
  return tree.sources.flatMap((file) =>
    file.facts.imports.map(({ name, line }) => ({ file, at: `${file.path}:${line}`, target: resolve(tree, file.path, name) })),
  );
}

function resolve(tree: Tree, from: string, specifier: string): ResolvedImport['target'] {
  if (specifier.startsWith('.')) return { path: posix.join(posix.dirname(from), specifier) };
  const folder = packageOf(from) ?? '';
  const own = specifier.startsWith('#') ? tree.manifests.get(folder)?.imports?.[specifier] : undefined;
  if (own !== undefined) return { path: posix.join('packages', folder, own) };
  const words = specifier.split('/');
  return { module: words.slice(0, specifier.startsWith('@') ? 2 : 1).join('/') };
}

function packageOf(path: string): string | undefined {
  return /^packages\/([^/]+)\//.exec(path)?.[1];
}

function engineFolderOf(path: string): string | undefined {
  if (!path.startsWith(ENGINE_SOURCES)) return undefined;
  return path.slice(ENGINE_SOURCES.length).split(/[/.]/)[0];
}

function reachableFrom(folder: string): readonly string[] {
  const reached = new Set<string>();
  const visit = (name: string): void => {
    if (reached.has(name)) return;
    reached.add(name);
    for (const next of ENGINE_FOLDERS[name] ?? []) visit(next);
  };
  visit(folder);
  return [...reached];
}

function isTest(path: string): boolean {
  return path.endsWith('.test.ts');
}

/** Tests, and what only tests use: contract suites (`x.contract.ts`) and stand-ins (`x.fixture.ts`). None of it is published. */
function isForTests(path: string): boolean {
  return isTest(path) || /\.(contract|fixture)\.ts$/.test(path);
}

function effectsOf(facts: Facts): { name: string; line: number; effect: Effect }[] {
  const found: { name: string; line: number; effect: Effect }[] = [];
  for (const { name, line, names } of facts.imports) {
    const drawsRandom = name === 'node:crypto' && names.some((taken) => taken === '*' || CHANCE_OF_NODE_CRYPTO.includes(taken));
    const effect = drawsRandom ? 'chance' : EFFECTS_OF_MODULES[name];
    if (effect !== undefined) found.push({ name, line, effect });
  }
  for (const { name, line } of facts.globals) {
    const effect = Object.hasOwn(EFFECTS_OF_GLOBALS, name) ? EFFECTS_OF_GLOBALS[name] : undefined;
    if (effect !== undefined) found.push({ name, line, effect });
  }
  return found;
}
