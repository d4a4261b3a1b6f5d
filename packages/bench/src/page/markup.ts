/** Text that is HTML already. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Value = string | number | Markup | readonly Markup[];

/**
 * Makes HTML from a template. Whatever is put in is escaped, so that no text of a run becomes markup; only other {@link Markup} is not.
 *
 * ```ts
 * html`<p title="${'"a" < b'}">${html`<b>${1}</b>`}</p>`.text; // <p title="&quot;a&quot; &lt; b"><b>1</b></p>
 * ```
 */
export function html(strings: TemplateStringsArray, ...values: readonly Value[]): Markup {
  return new Markup(strings.map((string, index) => string + render(values[index] ?? '')).join(''));
}

/** A value as JSON that can stand inside a `script` element. */
export function json(value: unknown): Markup {
  return new Markup(JSON.stringify(value).replaceAll('<', '\\u003c'));
}

function render(value: Value): string {
  if (value instanceof Markup) return value.text;
  return typeof value === 'object' ? value.map(({ text }) => text).join('') : escape(String(value));
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;').replaceAll("'", '&#39;');
}
