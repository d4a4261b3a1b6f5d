import { parseSync } from 'oxc-parser';

/** One file of the tree, as the checks see it. */
export interface SourceFile {
  /** From the root of the repository, with `/`. */
  readonly path: string;
  readonly text: string;
}

/** A name that a file takes from outside. */
export interface Reference {
  /** A module specifier, or the name of a global: `setTimeout`, `Date.now`, `new Date()`. */
  readonly name: string;
  /** Counts from 1. */
  readonly line: number;
}

/** An import of a module, with the names taken from it where the statement says them. */
export interface Import extends Reference {
  readonly names: readonly string[];
}

/** One call of `test()` or `it()`. */
export interface TestCall extends Reference {
  /** `only`, `skip` or `todo` in `test.only()`; empty for a plain call. */
  readonly modifier: string;
  readonly hasBody: boolean;
}

/** What a file imports, uses and tests. */
export interface Facts {
  readonly imports: readonly Import[];
  readonly globals: readonly Reference[];
  readonly tests: readonly TestCall[];
}

interface Node {
  readonly type: string;
  readonly start: number;
  readonly [key: string]: unknown;
}

/** Parses a TypeScript or JavaScript file; throws where its syntax is wrong. Types count as imports, comments and strings do not. */
export function readFacts(file: SourceFile): Facts {
  const parsed = parseSync(file.path, file.text);
  const [error] = parsed.errors;
  if (error !== undefined) throw new Error(`Cannot parse ${file.path}: ${error.message}`);
  const imports: Import[] = [];
  const globals: Reference[] = [];
  const tests: TestCall[] = [];
  walk(parsed.program, (node, parent, key) => {
    const line = (): number => lineAt(file.text, node.start);
    const specifier = specifierOf(node);
    if (specifier !== undefined) imports.push({ name: specifier, line: line(), names: importedNames(node) });
    const global = globalOf(node, parent, key);
    if (global !== undefined) globals.push({ name: global, line: line() });
    const test = testOf(node);
    if (test !== undefined) tests.push({ ...test, line: line() });
  });
  return { imports, globals, tests };
}

function walk(value: unknown, visit: (node: Node, parent: Node | undefined, key: string) => void, parent?: Node, key = ''): void {
  if (Array.isArray(value)) {
    for (const item of value) walk(item, visit, parent, key);
  } else if (isNode(value)) {
    visit(value, parent, key);
    for (const [name, child] of Object.entries(value)) walk(child, visit, value, name);
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}

/** The module that a node names: any import or re-export, `import()`, `import()` types, `new URL('./x')`, `import.meta.resolve('x')`. */
function specifierOf(node: Node): string | undefined {
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportNamedDeclaration':
    case 'ExportAllDeclaration':
    case 'ImportExpression':
    case 'TSImportType':
      return literalOf(node['source']);
    case 'NewExpression': {
      const path = nameOf(node['callee']) === 'URL' ? literalOf(argumentsOf(node)[0]) : undefined;
      return path?.startsWith('.') === true ? path : undefined;
    }
    case 'CallExpression':
      return nameOf(node['callee']) === 'import.meta.resolve' ? literalOf(argumentsOf(node)[0]) : undefined;
    default:
      return undefined;
  }
}

function importedNames(node: Node): string[] {
  const names: string[] = [];
  walk(node['specifiers'], (specifier) => {
    if (specifier.type === 'ImportSpecifier') names.push(nameOf(specifier['imported']) ?? '');
    if (specifier.type === 'ImportDefaultSpecifier' || specifier.type === 'ImportNamespaceSpecifier') names.push('*');
  });
  return names;
}

/** The global that a node may stand for; a local name that hides one is reported too, and better renamed. */
function globalOf(node: Node, parent: Node | undefined, key: string): string | undefined {
  if (node.type === 'MemberExpression') return nameOf(node)?.replace(/^globalThis\./, '');
  if (node.type === 'NewExpression') {
    return nameOf(node['callee']) === 'Date' && argumentsOf(node).length === 0 ? 'new Date()' : undefined;
  }
  if (node.type !== 'Identifier') return undefined;
  const isPropertyName = (key === 'property' || key === 'key') && parent?.['computed'] === false;
  const isImportedName = parent?.type === 'ImportSpecifier' || parent?.type === 'ExportSpecifier';
  return isPropertyName || isImportedName ? undefined : nameOf(node);
}

function testOf(node: Node): Omit<TestCall, 'line'> | undefined {
  if (node.type !== 'CallExpression') return undefined;
  const [callee, modifier = ''] = nameOf(node['callee'])?.split('.') ?? [];
  if ((callee !== 'test' && callee !== 'it') || !['', 'only', 'skip', 'todo'].includes(modifier)) return undefined;
  const given = argumentsOf(node);
  const hasBody = given.some(
    (argument) => isNode(argument) && /^(ArrowFunctionExpression|FunctionExpression|Identifier)$/.test(argument.type),
  );
  return { name: literalOf(given[0]) ?? '', modifier, hasBody };
}

/** `a`, `a.b`, `import.meta.resolve`; undefined for anything computed. */
function nameOf(value: unknown): string | undefined {
  if (!isNode(value)) return undefined;
  if (value.type === 'Identifier') return typeof value['name'] === 'string' ? value['name'] : undefined;
  if (value.type === 'MetaProperty') return 'import.meta';
  if (value.type !== 'MemberExpression' || value['computed'] === true) return undefined;
  const object = nameOf(value['object']);
  const property = nameOf(value['property']);
  return object === undefined || property === undefined ? undefined : `${object}.${property}`;
}

/** The text of a string; of a template with expressions, the text around them. */
function literalOf(value: unknown): string | undefined {
  if (!isNode(value)) return undefined;
  if (value.type === 'TemplateLiteral') {
    const parts: string[] = [];
    walk(value['quasis'], (part) => parts.push(textOfTemplatePart(part)));
    return parts.join('…');
  }
  return value.type === 'Literal' && typeof value['value'] === 'string' ? value['value'] : undefined;
}

function textOfTemplatePart(part: Node): string {
  const text = part['value'];
  return typeof text === 'object' && text !== null && 'raw' in text ? String(text.raw) : '';
}

function argumentsOf(node: Node): readonly unknown[] {
  return Array.isArray(node['arguments']) ? node['arguments'] : [];
}

function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', at + 1)) line += 1;
  return line;
}
