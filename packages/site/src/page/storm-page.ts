import { html, type Markup, PAGE_SCRIPT } from '@k-lani/bench';
import { claim, type StormPart, stormProofs, stormSections } from '../storm/storm-part.ts';
import { documentOf } from './document.ts';

/** File of the page of a storm that is not the one that the first page is about. */
export function fileOfStorm({ file }: StormPart): string {
  return `storm-${file.name.replace(/\.ndjson$/, '')}.html`;
}

/** A storm on a page of its own. */
export function stormPage(storm: StormPart): string {
  return documentOf({
    title: `k-lani: ${storm.story.words.title}`,
    body: html`<main id="main">
      <p><a class="brand" href="index.html">k-lani</a>, another storm</p>
      ${claim(storm)} ${stormSections(storm)}
      <section id="proofs">
        <h2>What this shows, and what not</h2>
        ${stormProofs(storm)}
      </section>
    </main>`,
    script: PAGE_SCRIPT,
  });
}

/** Where the other storms are, with what they claim. */
export function otherStorms(storms: readonly StormPart[]): Markup | string {
  if (storms.length === 0) return '';
  const items = storms.map((storm) => {
    const { say, words, failures } = storm.story;
    const count = (name: 'buyers' | 'sold' | 'total'): Markup => say(name, (value) => value.toLocaleString('en'));
    const outcome =
      failures.length > 0
        ? html`<strong class="alarm">this run failed.</strong>`
        : html`${count('sold')} of ${count('total')} ${words.units} ${words.sold}, none twice.`;
    return html`<li>
      <a href="${fileOfStorm(storm)}">${words.title}, ${storm.story.log.run.flow}</a>: ${count('buyers')} ${words.buyers}, ${outcome}
    </li>`;
  });
  return html`<section id="storms">
    <h2>Other storms</h2>
    <ul>
      ${items}
    </ul>
  </section>`;
}
