/** What the site adds to the style of a run's page: links that numbers carry, charts of rows, and pages of raw logs. */
export const SITE_STYLE = `
.n { text-decoration: underline; text-decoration-color: color-mix(in srgb, currentColor 28%, transparent); text-decoration-thickness: 1px; text-underline-offset: 0.2em; }
.n:hover { text-decoration-color: currentColor; }
pre .n, caption .n, thead .n, h3 .n, .words .n, .scenario > p .n { text-decoration-color: transparent; } pre .n:hover, caption .n:hover, thead .n:hover, h3 .n:hover, .words .n:hover, .scenario > p .n:hover { text-decoration-color: currentColor; }
h1 .n, .value b .n, dd > .n { text-decoration-color: transparent; } h1 .n:hover, .value b .n:hover, dd > .n:hover { text-decoration-color: currentColor; }
.skip { position: absolute; left: -999rem; } .skip:focus { left: 1rem; top: 1rem; background: var(--paper); padding: 0.5rem 1rem; z-index: 1; }
.contents { border-block: 1px solid var(--line); margin: 2.8rem 0 0; padding: 0.7rem 0; }
.contents ul { display: flex; flex-wrap: wrap; gap: 0.2rem 1.5rem; list-style: none; margin: 0; padding: 0; }
.contents a { display: inline-block; padding: 0.3rem 0; color: var(--soft); text-decoration: none; } .contents a:hover { color: var(--ink); text-decoration: underline; }
section { scroll-margin-top: 1rem; } h3 { scroll-margin-top: 1.5rem; }
.brand { color: inherit; text-decoration: none; font-weight: 650; }
.steps { display: inline-flex; gap: 0.4rem; } .steps button { min-width: 0; font-weight: 400; }
.sale { color: var(--soft); margin: 0.9rem 0 0; min-height: 1.6em; }
.scenario { margin-top: 3.4rem; } .scenario h3, .row-chart h3 { font-size: 1.2rem; line-height: 1.3; }
.scenario > p { color: var(--soft); margin-bottom: 0.4rem; }
.row-chart { margin: 1.2rem 0 1.8rem; } .row-chart figcaption p { color: var(--soft); font-size: 0.95rem; margin: 0.2rem 0 0.6rem; }
.ratios { margin-top: 2.6rem; }
.rows { list-style: none; margin: 0; padding: 0; }
.rows li, .row-scale { display: grid; grid-template-columns: 16rem 1fr 15rem; column-gap: 1.2rem; align-items: center; }
.ratios .rows li, .ratios .row-scale { grid-template-columns: 23rem 1fr 14rem; }
.rows li { min-height: 2.3rem; } .rows .name { line-height: 1.3; padding: 0.25rem 0; } .rows .name .n { text-decoration-color: transparent; } .rows .name .n:hover { text-decoration-color: currentColor; }
.rows .value .n { white-space: nowrap; } .rows .value b { font-weight: 650; }
small { font-size: 0.86em; color: var(--soft); font-weight: 400; }
.gauge { position: relative; align-self: stretch; }
.gauge > span { position: absolute; }
.grid-line { top: 0; bottom: 0; width: 1px; background: var(--line); } .even { top: 0; bottom: 0; width: 2px; margin-left: -1px; background: var(--soft); }
.bar { left: 0; top: 50%; height: 1.1rem; margin-top: -0.55rem; min-width: 2px; border-radius: 0 3px 3px 0; background: var(--peer); }
.ours .bar { background: var(--a); } .ours .name { font-weight: 650; }
.whisker { top: 50%; height: 2px; margin-top: -1px; min-width: 1px; background: var(--ink); }
.whisker::before, .whisker::after { content: ''; position: absolute; top: -4px; height: 10px; width: 2px; background: var(--ink); } .whisker::before { left: 0; } .whisker::after { right: 0; }
.ratios .whisker { background: var(--soft); } .ratios .whisker::before, .ratios .whisker::after { background: var(--soft); }
.point { top: 50%; width: 13px; height: 13px; margin: -6.5px 0 0 -6.5px; border-radius: 50%; background: var(--a); border: 2px solid var(--paper); box-sizing: content-box; margin: -8.5px 0 0 -8.5px; }
.level .point { background: var(--soft); }
.behind .point { background: var(--b); border-radius: 0; transform: rotate(45deg) scale(0.85); }
.row-scale { color: var(--soft); font-size: 0.85rem; } .ticks { grid-column: 2; position: relative; height: 1.6rem; border-top: 1px solid var(--soft); }
.tick { position: absolute; top: 0.15rem; transform: translateX(-50%); white-space: nowrap; } .tick.first { transform: none; } .tick.last { transform: translateX(-100%); }
.axis-name { grid-column: 2; text-align: right; }
.key { display: inline-block; width: 13px; height: 13px; border-radius: 50%; background: var(--a); vertical-align: -1px; } .key.behind { background: var(--b); border-radius: 0; transform: rotate(45deg) scale(0.8); }
thead th { vertical-align: bottom; white-space: normal; min-width: 7.5rem; } td small, th small { display: block; }
.words th, .words td { text-align: left; vertical-align: top; white-space: normal; padding-left: 0; padding-right: 1.4rem; } .words td { min-width: 9rem; }
.settings { margin: 0; padding: 0; list-style: none; font: 0.86em/1.5 var(--mono); min-width: 16rem; overflow-wrap: anywhere; }
.none { color: var(--soft); } .alarm { color: var(--alarm); }
.missing { border-left: 3px solid var(--b); padding: 0.1rem 0 0.1rem 1rem; margin: 1.5rem 0 0; } .missing ul { margin: 0; padding-left: 1.1rem; }
code .n, pre .n { overflow-wrap: anywhere; } td code { font: 0.88em var(--mono); white-space: normal; overflow-wrap: anywhere; display: inline-block; max-width: 24rem; }
footer { margin-top: 5rem; border-top: 1px solid var(--line); padding-top: 1rem; color: var(--soft); font-size: 0.92rem; }
.sum, main > header h1 { overflow-wrap: anywhere; }
.facts + h3 { margin-top: 2rem; } h3 + .facts { margin-top: 0.5rem; }
#proofs > h3 { margin: 2.4rem 0 0.7rem; } #proofs > ul, #storms ul { margin: 0; padding-left: 1.1rem; } #proofs > ul li { max-width: 66ch; margin-bottom: 0.5rem; }
.again { color: var(--soft); font-size: 0.9rem; margin-top: 0.8rem; } code { overflow-wrap: anywhere; }
.log, .workings { list-style: none; margin: 1.6rem 0 0; padding: 0; } .log { font: 0.82rem/1.55 var(--mono); }
.log li, .workings li { display: grid; grid-template-columns: 4.2rem minmax(0, 1fr); column-gap: 1rem; padding: 0.12rem 0.4rem; scroll-margin-top: 30vh; content-visibility: auto; contain-intrinsic-size: auto 1.4rem; }
.log li > a, .workings li > a:first-child { color: var(--soft); text-align: right; text-decoration: none; } .log code { font: inherit; white-space: pre-wrap; overflow-wrap: anywhere; }
.log li:target, .workings li:target { background: var(--mark); outline: 2px solid var(--b); border-radius: 3px; }
.workings li { font-size: 0.95rem; overflow-wrap: anywhere; }
:root { --peer: #8b8473; --mark: #fbe9c8; } @media (prefers-color-scheme: dark) { :root { --peer: #8d8676; --mark: #4a3a1c; } }
@media (max-width: 860px) {
  .rows li, .ratios .rows li { grid-template-columns: minmax(0, 1fr) fit-content(58%); row-gap: 0; padding: 0.45rem 0 0.2rem; align-items: end; }
  .rows .name { grid-column: 1; grid-row: 1; } .rows .value { grid-column: 2; grid-row: 1; text-align: right; }
  .rows .gauge { grid-column: 1 / -1; grid-row: 2; height: 1.7rem; } .row-scale, .ratios .row-scale { grid-template-columns: 1fr; } .ticks, .axis-name { grid-column: 1; } .axis-name { text-align: left; }
}
@media (max-width: 560px) {
  .scenario tbody th { position: sticky; left: 0; background: var(--paper); max-width: 8.5rem; }
  .rows .value small { display: block; } .figures { grid-template-columns: 1fr 1fr; gap: 1.2rem 0.8rem; } .figures dd { font-size: 1.3rem; }
  .log li, .workings li { grid-template-columns: 2.6rem minmax(0, 1fr); column-gap: 0.6rem; padding-inline: 0; }
}
`;
