export type { BenchEnvironment, BenchOutcome } from './bench-run.ts';
export { CONCERT_DEFAULTS, type ConcertOptions, runConcert } from './concert.ts';
export { HOLIDAY_DEFAULTS, type HolidayOptions, runHoliday } from './holiday.ts';
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
export type { BenchResult } from './report/result.ts';
export { type SpawnServer, serverCommand, type ServerOptions, type ServerProcess } from './storm/server-process.ts';
export type { BenchProgress } from './storm/storm.ts';
