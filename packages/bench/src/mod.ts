export type { BenchEnvironment, BenchOutcome } from './bench-run.ts';
export { CONCERT_DEFAULTS, CONCERT_GOODS, type ConcertOptions, runConcert, SEATS } from './concert.ts';
export { HOLIDAY_DEFAULTS, HOLIDAY_GOODS, type HolidayOptions, ROOMS, runHoliday } from './holiday.ts';
export type { CrashRow } from './crash/crash-row.ts';
export {
  CRASH_DEFAULTS,
  type CrashEnvironment,
  type CrashOptions,
  type CrashProgress,
  type CrashReport,
  runCrashes,
  TROUBLES,
  type TroubleName,
} from './crash/crashes.ts';
export type { CommonOptions } from './options.ts';
export { niceStep } from './page/chart.ts';
export { headline, keyFigures, proofs, recountTable, type Story } from './page/claims.ts';
export { html, Markup } from './page/markup.ts';
export { buildPage } from './page/page.ts';
export { percentileTable } from './page/percentiles.ts';
export { replay } from './page/replay.ts';
export { PAGE_SCRIPT } from './page/script.ts';
export { type LatencyNumber, middleOf, type NumberName, type Say } from './page/storm-numbers.ts';
export { PAGE_STYLE } from './page/style.ts';
export { formatBytes, formatCount, plural, wordsOf } from './page/words.ts';
export { describeCode, type Code } from './report/code-that-ran.ts';
export { failuresOf, type Figures, figuresOf, PEAK_WINDOW_US, READ_KINDS, UPDATE_KINDS } from './report/figures.ts';
export { describeHost, filesystemOf, type Host } from './report/host.ts';
export { histogramOf, type Latencies, latenciesOf } from './report/latencies.ts';
export { decodeRawLog, encodeRawLog, type RawLog, REQUEST_KINDS, type RequestKind } from './report/raw-log.ts';
export { recount, type Recount } from './report/recount.ts';
export type { BenchResult } from './report/result.ts';
export { SAMPLE_LOG } from './report/sample-log.ts';
export { type SpawnServer, serverCommand, type ServerOptions, type ServerProcess } from './storm/server-process.ts';
export type { Market, ShopClaim, ShopLock, ShopTable } from './storm/shop.ts';
export { StormState, type StormOptions } from './storm/storm-state.ts';
export type { BenchProgress } from './storm/storm.ts';
export { loadUnits, readUnits } from './storm/units.ts';
export { Worker } from './storm/worker.ts';
export { runEchoLoop } from './yardstick/echo-loop.ts';
export { forkEchoServer } from './yardstick/echo-server.ts';
