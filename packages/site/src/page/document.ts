/** What every page of the site has: one document that loads nothing, with style and script inside. */
import { html, Markup, PAGE_STYLE } from '@k-lani/bench';
import { SITE_STYLE } from './site-style.ts';

export interface Document {
  readonly title: string;
  readonly body: Markup;
  /** Run by the reader's browser; none where everything is text. */
  readonly script?: string;
}

/** Nothing is fetched from anywhere; the icon is empty, so that no browser asks for one. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";

/** The text of a page. */
export function documentOf({ title, body, script }: Document): string {
  const scriptElement =
    script === undefined
      ? ''
      : html`<script>
          ${new Markup(script)};
        </script>`;
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta http-equiv="Content-Security-Policy" content="${POLICY}" />
        <link rel="icon" href="data:," />
        <title>${title}</title>
        <style>
          ${new Markup(PAGE_STYLE + SITE_STYLE)}
        </style>
      </head>
      <body>
        <a class="skip" href="#main">Skip to the content</a>
        ${body} ${scriptElement}
      </body>
    </html>`;
  return `${page.text}\n`;
}
