/** Reads the HTML that the site is made of, which is well formed, into a tree. */
import assert from 'node:assert/strict';

export interface Element {
  readonly tag: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: (Element | string)[];
  readonly parent: Element | undefined;
}

const TOKEN = /<!doctype html>|<(script|style)\b[^>]*>[\s\S]*?<\/\1>|<(\/?)([a-z0-9]+)((?:\s+[a-z-]+(?:="[^"]*")?)*)\s*(\/?)>|[^<]+/gi;
const VOID = new Set(['meta', 'input', 'link', 'br']);

/** The tree of a page, without its scripts and styles. */
export function parse(page: string): Element {
  const root: Element = { tag: '#root', attributes: new Map(), children: [], parent: undefined };
  let at = root;
  let end = 0;
  for (const match of page.matchAll(TOKEN)) {
    assert.equal(match.index, end, `cannot read the page at ${page.slice(end, end + 60)}`);
    end += match[0].length;
    const [text, , slash, tag, attributes = '', selfClosing] = match;
    if (tag === undefined) {
      if (!text.startsWith('<')) at.children.push(unescape(text));
    } else if (slash === '/') {
      assert.equal(tag, at.tag, `${tag} ends inside ${at.tag}`);
      at = at.parent ?? root;
    } else {
      const element: Element = { tag, attributes: readAttributes(attributes), children: [], parent: at };
      at.children.push(element);
      if (selfClosing !== '/' && !VOID.has(tag)) at = element;
    }
  }
  assert.equal(end, page.length);
  assert.equal(at, root, `${at.tag} is not closed`);
  return root;
}

/** All elements inside, in order. */
export function* elementsIn(element: Element): Generator<Element> {
  for (const child of element.children) {
    if (typeof child === 'string') continue;
    yield child;
    yield* elementsIn(child);
  }
}

/** Its text as a reader sees it: white space is one blank. */
export function textOf(element: Element): string {
  return rawTextOf(element).replaceAll(/\s+/g, ' ').trim();
}

function rawTextOf(element: Element): string {
  return element.children.map((child) => (typeof child === 'string' ? child : rawTextOf(child))).join('');
}

/** The element itself or the nearest around it that is wanted. */
export function nearest(element: Element | undefined, isWanted: (element: Element) => boolean): Element | undefined {
  return element === undefined || isWanted(element) ? element : nearest(element.parent, isWanted);
}

function readAttributes(text: string): Map<string, string> {
  return new Map([...text.matchAll(/([a-z-]+)(?:="([^"]*)")?/gi)].map(([, name = '', value = '']) => [name, unescape(value)]));
}

function unescape(text: string): string {
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&emsp;', ' ')
    .replaceAll('&amp;', '&');
}
