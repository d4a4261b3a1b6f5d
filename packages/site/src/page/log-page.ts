import { formatBytes, html } from '@k-lani/bench';
import type { ComparisonFile, StormFile } from '../raw/log-file.ts';
import { documentOf } from './document.ts';

/** A raw log, every line with an anchor: `#L12` is the twelfth. */
export function logPage({ name, text, sizeBytes, sha256 }: StormFile | ComparisonFile): string {
  const lines = text.replace(/\n$/, '').split('\n');
  const items = lines.map((line, index) => html`<li id="L${index + 1}"><a href="#L${index + 1}">${index + 1}</a><code>${line}</code></li>`);
  return documentOf({
    title: `${name}, line by line`,
    body: html`<main id="main">
      <header>
        <p class="kicker"><a class="brand" href="../index.html">k-lani</a>, raw log</p>
        <h1>${name}</h1>
        <p>
          The file as it was written, one JSON object a line: <a href="${name}" download>${name}</a>, ${formatBytes(sizeBytes)}, SHA-256
          <code class="sum">${sha256}</code>
        </p>
      </header>
      <ol class="log">
        ${items}
      </ol>
    </main>`,
  });
}
