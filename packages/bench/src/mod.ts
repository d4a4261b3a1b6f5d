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
export { buildPage } from './page/page.ts';
export { describeCode, type Code } from './report/code-that-ran.ts';
export { describeHost, filesystemOf, type Host } from './report/host.ts';
export { histogramOf, type Latencies, latenciesOf } from './report/latencies.ts';
export { recount, type Recount } from './report/recount.ts';
export type { BenchResult } from './report/result.ts';
export { type SpawnServer, serverCommand, type ServerOptions, type ServerProcess } from './storm/server-process.ts';
export type { Market, ShopClaim, ShopLock, ShopTable } from './storm/shop.ts';
export { StormState, type StormOptions } from './storm/storm-state.ts';
export type { BenchProgress } from './storm/storm.ts';
export { loadUnits, readUnits } from './storm/units.ts';
export { Worker } from './storm/worker.ts';
export { runEchoLoop } from './yardstick/echo-loop.ts';
export { forkEchoServer } from './yardstick/echo-server.ts';
