/**
 * The valid times of a job. A job from the far future would always be the newest, and one from 1970 has its time in seconds.
 */

/** Clocks differ. In milliseconds. */
const MOST_AHEAD_MS = 3_600_000;
const EARLIEST_MS = Date.UTC(2000, 0, 1);

/** The fault of a time in epoch milliseconds, and its probable cause; undefined if it is valid. */
export function timeFault(ms: number, now: number): string | undefined {
  if (!Number.isFinite(ms)) return 'is not a time: it must be in milliseconds since 1970';
  if (isWithin(ms, now)) return undefined;
  const fault = ms < EARLIEST_MS ? 'is before the year 2000' : 'is more than an hour ahead';
  if (isWithin(ms * 1000, now)) return `${fault}: it looks like seconds instead of milliseconds`;
  if (isWithin(ms / 1000, now)) return `${fault}: it looks like microseconds instead of milliseconds`;
  return fault;
}

function isWithin(ms: number, now: number): boolean {
  return ms >= EARLIEST_MS && ms <= now + MOST_AHEAD_MS;
}
