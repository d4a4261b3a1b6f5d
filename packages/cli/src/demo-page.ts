/** The page of the demo: its two proofs, each in a frame of its own with a way to open it alone. */
import type { BenchOutcome } from '@k-lani/bench';

/** One HTML document that stands in the directory above `concert/` and `holiday/`. */
export function demoPage({ concert, holiday }: { readonly concert: BenchOutcome; readonly holiday: BenchOutcome }): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>k-lani demo</title>
<style>
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
  body { margin: 0 auto; max-width: 76rem; padding: 1.5rem; }
  h1, h2 { line-height: 1.2; }
  .wrong { color: #b3261e; }
  iframe { border: 1px solid #8884; border-radius: 6px; box-sizing: border-box; height: 80vh; width: 100%; }
</style>
<h1>k-lani demo</h1>
${section('Concert', 'concert', concert)}
${section('Holiday Rush', 'holiday', holiday)}
</html>
`;
}

function section(title: string, directory: string, { result, failures }: BenchOutcome): string {
  const { verifiedSold, soldAtKill, doubleSold, lost, unknown } = result.figures;
  const verdict =
    failures.length === 0
      ? `${verifiedSold} sold and counted again from disk, ${doubleSold} twice, ${lost} lost, ${unknown} unknown. The server was killed after ${soldAtKill}.`
      : `<strong class="wrong">${failures.map(escaped).join(' ')}</strong>`;
  return `<h2>${title}</h2>
<p>${verdict} <a href="${directory}/index.html">Open this page alone</a></p>
<iframe src="${directory}/index.html" title="${title}" loading="lazy"></iframe>`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
