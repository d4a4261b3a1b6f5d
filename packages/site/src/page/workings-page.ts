import { html } from '@k-lani/bench';
import type { Workings } from '../raw/workings.ts';
import { documentOf } from './document.ts';

/** Every number that was computed: from what, and by which rule. */
export function workingsPage(workings: Workings): string {
  return documentOf({
    title: 'k-lani: how each number was computed',
    body: html`<main id="main">
      <header>
        <p class="kicker"><a class="brand" href="index.html">k-lani</a>, workings</p>
        <h1>How each number was computed</h1>
        <p>
          Numbers that no single line of a raw log says: each with its rule, and with what it was computed from. Everything else on the site
          leads to its line at once.
        </p>
      </header>
      <ol class="workings">
        ${workings.lines()}
      </ol>
    </main>`,
  });
}
