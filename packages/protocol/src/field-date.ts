/**
 * Dates of the proleptic Gregorian calendar as days since 1970-01-01, without time zones. Years are counted from March, so that the leap
 * day is the last of its year, and in cycles of 400 years, after Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms" (2013).
 */

/** 0001-01-01. */
export const DAYS_MIN = -719_162;
/** 9999-12-31. */
export const DAYS_MAX = 2_932_896;

const CYCLE_DAYS = 146_097;
/** Days from 0000-03-01 to 1970-01-01. */
const EPOCH_DAYS = 719_468;
const DATE = /^\d{4}-\d{2}-\d{2}$/;

/** The days of a date such as `'2026-12-31'`, or `undefined` when it is not a date of the calendar. */
export function parseDate(text: string): number | undefined {
  if (!DATE.test(text)) return undefined;
  const month = Number(text.slice(5, 7));
  const day = Number(text.slice(8, 10));
  if (month < 1 || month > 12 || day < 1 || day > 31) return undefined;
  const days = daysOf(Number(text.slice(0, 4)), month, day);
  // 30 February becomes a day in March: what comes back must be what was given.
  return days >= DAYS_MIN && days <= DAYS_MAX && formatDate(days) === text ? days : undefined;
}

/** The date of a number of days, `DAYS_MIN` to `DAYS_MAX`. */
export function formatDate(days: number): string {
  const shifted = days + EPOCH_DAYS;
  const cycle = Math.floor(shifted / CYCLE_DAYS);
  const dayOfCycle = shifted - cycle * CYCLE_DAYS;
  const leapDays = Math.floor(dayOfCycle / 1460) - Math.floor(dayOfCycle / 36_524) + Math.floor(dayOfCycle / 146_096);
  const yearOfCycle = Math.floor((dayOfCycle - leapDays) / 365);
  const dayOfYear = dayOfCycle - daysBeforeYear(yearOfCycle);
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - daysBeforeMonth(monthFromMarch) + 1;
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  const year = cycle * 400 + yearOfCycle + (month <= 2 ? 1 : 0);
  return `${String(year).padStart(4, '0')}-${month < 10 ? '0' : ''}${month}-${day < 10 ? '0' : ''}${day}`;
}

function daysOf(year: number, month: number, day: number): number {
  const yearFromMarch = month <= 2 ? year - 1 : year;
  const cycle = Math.floor(yearFromMarch / 400);
  const monthFromMarch = month > 2 ? month - 3 : month + 9;
  const dayOfCycle = daysBeforeYear(yearFromMarch - cycle * 400) + daysBeforeMonth(monthFromMarch) + day - 1;
  return cycle * CYCLE_DAYS + dayOfCycle - EPOCH_DAYS;
}

/** Days of a cycle before one of its years. */
function daysBeforeYear(yearOfCycle: number): number {
  return yearOfCycle * 365 + Math.floor(yearOfCycle / 4) - Math.floor(yearOfCycle / 100);
}

/** Days of a year before one of its months, March being 0. */
function daysBeforeMonth(monthFromMarch: number): number {
  return Math.floor((153 * monthFromMarch + 2) / 5);
}
