/**
 * Durations and points in time as people write them.
 */
import { z } from 'zod';

const UNITS_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 };
const Instant = z.iso.datetime({ offset: true });

/** `90s`, `1.5h`, `7d`: a number and one of ms, s, m, h, d, w; in milliseconds. Undefined for anything else. */
export function durationMsOf(text: string): number | undefined {
  const match = /^(?<count>\d+(\.\d+)?)(?<unit>ms|s|m|h|d|w)$/.exec(text.trim())?.groups;
  const unit = Object.entries(UNITS_MS).find(([unit]) => unit === match?.['unit']);
  return match === undefined || unit === undefined ? undefined : Number(match['count']) * unit[1];
}

/** ISO 8601 with a zone, `2027-01-31T12:00:00Z` or `…+01:00`; in epoch milliseconds. Undefined for anything else. */
export function instantMsOf(text: string): number | undefined {
  const instant = Instant.safeParse(text.trim());
  return instant.success ? Date.parse(instant.data) : undefined;
}

/** The largest unit that fits at least once, rounded down: `3h`, `12d`; from milliseconds. */
export function durationText(ms: number): string {
  for (const unit of ['d', 'h', 'm', 's'] as const) {
    if (ms >= UNITS_MS[unit]) return `${Math.floor(ms / UNITS_MS[unit])}${unit}`;
  }
  return '0s';
}

const WORDS = [
  ['day', UNITS_MS.d],
  ['hour', UNITS_MS.h],
  ['minute', UNITS_MS.m],
  ['second', UNITS_MS.s],
] as const;

/**
 * The remaining time in words, rounded to the next smaller unit: `30 days`, `29 days 23 hours`, `90 seconds` as `1 minute 30 seconds`;
 * from milliseconds. A few milliseconds do not cost a day.
 */
export function spanInWords(ms: number): string {
  const largest = WORDS.findIndex(([, unit]) => ms >= unit);
  const [, step] = WORDS.at(largest + 1) ?? ['second', UNITS_MS.s];
  let left = Math.round(Math.max(0, ms) / step) * step;
  const parts = WORDS.flatMap(([word, unit]) => {
    const count = Math.floor(left / unit);
    left -= count * unit;
    return count === 0 ? [] : [`${count.toLocaleString('en-US')} ${word}${count === 1 ? '' : 's'}`];
  });
  return parts.length === 0 ? '0 seconds' : parts.join(' ');
}

/** The latest possible date, before and after 1970, in milliseconds. */
export const LAST_DATE_MS = 8.64e15;

/**
 * A point in time as ISO 8601 in UTC, from epoch milliseconds. Undefined for an impossible date or no number: another client may have
 * written anything.
 */
export function instantText(ms: number): string | undefined {
  return Math.abs(ms) <= LAST_DATE_MS ? new Date(ms).toISOString() : undefined;
}
