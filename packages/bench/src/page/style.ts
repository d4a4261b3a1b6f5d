/** The style of the page: two tones, one for what is read or sold first, one for what is written or sold later, in light and dark. */
export const PAGE_STYLE = `
:root {
  color-scheme: light dark;
  --paper: #fbfaf6; --raised: #f3f0e8; --ink: #1c1b18; --soft: #5f5b52; --line: #ddd8cb;
  --free: #e4dfd2; --a: #17695f; --b: #b8650b; --c: #cdc6b5; --alarm: #ad2f28; --band: #ad2f281f;
  --serif: 'Iowan Old Style', Charter, 'Source Serif 4', Georgia, 'Times New Roman', serif;
  --sans: system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif;
  --mono: ui-monospace, 'SF Mono', 'Cascadia Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #151412; --raised: #1e1c19; --ink: #edeae2; --soft: #a8a296; --line: #38352f;
    --free: #36322b; --a: #56b9a8; --b: #e39f45; --c: #4a463e; --alarm: #f0857b; --band: #f0857b24;
  }
}
* { box-sizing: border-box; }
html { background: var(--paper); color: var(--ink); font: 17px/1.55 var(--sans); -webkit-text-size-adjust: 100%; }
body { margin: 0 auto; max-width: 72rem; padding: 3.5rem 1.5rem 5rem; font-variant-numeric: tabular-nums; }
h1, h2 { font-family: var(--serif); font-weight: 600; line-height: 1.12; text-wrap: balance; letter-spacing: -0.01em; }
h1 { font-size: clamp(2.2rem, 6vw, 3.9rem); margin: 0.4rem 0 1.2rem; max-width: 24ch; }
h2 { font-size: 1.75rem; margin: 0 0 0.8rem; }
h3 { font-size: 1rem; font-weight: 650; margin: 0; }
p { margin: 0 0 0.8rem; max-width: 66ch; text-wrap: pretty; }
a { color: inherit; }
section { margin-top: 4.5rem; }
.kicker { color: var(--soft); margin: 0; }
.lead { font-size: 1.2rem; max-width: 60ch; }
.failed { border-left: 4px solid var(--alarm); padding-left: 1rem; }
.failed h1, .failed strong { color: var(--alarm); }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(8rem, 1fr)); gap: 1.5rem; margin: 2.6rem 0 0; border-top: 1px solid var(--line); padding-top: 1.6rem; }
.figures dt { color: var(--soft); font-size: 0.9rem; }
.figures dd { margin: 0; font-size: 1.55rem; font-weight: 600; letter-spacing: -0.015em; line-height: 1.25; white-space: nowrap; }
.figures dd small { display: block; font-size: 0.85rem; font-weight: 400; color: var(--soft); letter-spacing: 0; white-space: normal; }

:focus-visible { outline: 3px solid var(--a); outline-offset: 3px; border-radius: 3px; }
button, select { font: inherit; color: inherit; background: var(--raised); border: 1px solid var(--line); border-radius: 8px; padding: 0.45rem 0.9rem; min-height: 2.75rem; }
button { display: inline-flex; gap: 0.55rem; align-items: center; font-weight: 600; cursor: pointer; min-width: 7.2rem; }
button:hover, select:hover { border-color: var(--soft); }
button svg { width: 16px; fill: currentColor; }
button .when-playing, .is-playing .when-paused { display: none; } .is-playing .when-playing { display: inline; }
.controls { display: flex; flex-wrap: wrap; gap: 0.8rem 1.4rem; align-items: center; }
.controls label { color: var(--soft); }
.controls output { font-weight: 600; margin-left: auto; }
.track { margin: 1.1rem 0 0.4rem; }
.spark { display: block; width: calc(100% - 16px); height: 40px; margin: 0 8px; }
input[type='range'] { width: 100%; margin: 0; height: 2rem; accent-color: var(--a); cursor: pointer; display: block; }
.groups { display: grid; grid-template-columns: repeat(auto-fill, minmax(12rem, 1fr)); gap: 1.2rem 1.3rem; margin-top: 1.2rem; }
.group { margin: 0; }
.group canvas { display: block; width: 100%; }
.group figcaption { display: flex; justify-content: space-between; font-size: 0.85rem; color: var(--soft); margin-top: 0.25rem; }
.cell { display: inline-block; width: 0.8rem; height: 0.8rem; border-radius: 2px; }
.cell.free { background: var(--free); } .cell.a { background: var(--a); } .cell.b { background: var(--b); }

.legend { display: flex; flex-wrap: wrap; gap: 0.2rem 1.4rem; list-style: none; margin: 0.5rem 0 0; padding: 0; font-size: 0.9rem; color: var(--soft); }
.legend li { display: flex; align-items: center; gap: 0.5rem; }
.swatch { width: 24px; height: 12px; flex: none; }
.chart { margin: 2.4rem 0 0; }
.chart figcaption p { color: var(--soft); margin: 0.1rem 0 0; }
.plot { margin-top: 0.8rem; border-radius: 6px; }
.plot svg { display: block; width: 100%; height: auto; overflow: visible; }
.plot text { font: 13px var(--sans); fill: var(--soft); font-variant-numeric: tabular-nums; }
.plot .y { text-anchor: end; } .plot .x, .plot .band-label { text-anchor: middle; }
text.last { text-anchor: end !important; }
.plot .band-label { fill: var(--alarm); }
.band { fill: var(--band); }
.grid, .axis, .cursor { fill: none; stroke: var(--line); stroke-width: 1; }
.axis { stroke: var(--soft); } .cursor { stroke: var(--ink); }
.fill { stroke: none; } .fill.a { fill: var(--a); } .fill.b { fill: var(--b); } .fill.c { fill: var(--c); }
.stroke { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
.stroke.a { stroke: var(--a); } .stroke.b { stroke: var(--b); } .stroke.dashed { stroke-dasharray: 2 5; }
.readout { min-height: 1.6em; margin: 0.4rem 0 0; font-size: 0.9rem; }
.hint { color: var(--soft); }
.plot svg.middle, .plot svg.narrow { display: none; }
@media (max-width: 960px) { .plot svg.wide { display: none; } .plot svg.middle { display: block; } }
@media (max-width: 560px) { .plot svg.middle { display: none; } .plot svg.narrow { display: block; } }
@media (max-width: 640px) {
  body { padding: 2rem 1.1rem 4rem; } section { margin-top: 3.2rem; }
  .controls output { margin-left: 0; width: 100%; }
  .groups { grid-template-columns: repeat(auto-fill, minmax(8.4rem, 1fr)); }
}

.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 0.95rem; }
caption { text-align: left; color: var(--soft); font-size: 0.88rem; padding-bottom: 0.5rem; }
th, td { text-align: right; padding: 0.42rem 0 0.42rem 1.2rem; border-bottom: 1px solid var(--line); white-space: nowrap; }
th:first-child { text-align: left; padding-left: 0; white-space: normal; }
thead th { color: var(--soft); font-weight: 400; font-size: 0.88rem; }
tbody th { font-weight: 400; } .whole th, .whole td { font-weight: 650; } .part th { color: var(--soft); }
.count td { font-weight: 650; } .count th + td { width: 8rem; }
.count th small { display: block; color: var(--soft); font-size: 0.88rem; max-width: 62ch; }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(19rem, 1fr)); gap: 2rem 3.5rem; }
.columns ul { margin: 0; padding-left: 1.1rem; } .columns li { margin-bottom: 0.7rem; max-width: 60ch; }
.columns h3 { font-size: 1.05rem; margin-bottom: 0.7rem; }
pre { font: 0.92rem/1.6 var(--mono); background: var(--raised); border: 1px solid var(--line); border-radius: 8px; padding: 0.9rem 1.1rem; overflow-x: auto; white-space: pre-wrap; overflow-wrap: anywhere; margin: 0 0 1rem; }
.keep { display: inline-block; max-width: 100%; white-space: pre-wrap; overflow-wrap: anywhere; }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: 0.35rem 1.6rem; margin: 0; }
.facts dt { color: var(--soft); } .facts dd { margin: 0; overflow-wrap: anywhere; }
.facts code { font: 0.88em var(--mono); }
@media (max-width: 640px) { .facts { grid-template-columns: 1fr; gap: 0; } .facts dd { margin-bottom: 0.7rem; } .figures { grid-template-columns: 1fr 1fr; } }
details { margin-top: 1.4rem; } summary { cursor: pointer; color: var(--soft); padding: 0.4rem 0; } details[open] summary { margin-bottom: 0.6rem; }
@media print { .controls, .track, .hint { display: none; } section { break-inside: avoid; } }
`;
