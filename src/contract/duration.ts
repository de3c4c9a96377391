/**
 * Spans of time and points in time, as people write them. Knows no clock.
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
