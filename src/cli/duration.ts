/**
 * Spans of time as people write and read them. Knows no clock.
 */
import { InvalidArgumentError } from 'commander';

const UNITS_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 };

/**
 * `90s`, `1.5h`, `7d`: a number and one of ms, s, m, h, d, w; in milliseconds.
 * @throws InvalidArgumentError, which commander reports by the option's name.
 */
export function parseDurationMs(text: string): number {
  const match = /^(?<count>\d+(\.\d+)?)(?<unit>ms|s|m|h|d|w)$/.exec(text.trim())?.groups;
  const unit = Object.entries(UNITS_MS).find(([unit]) => unit === match?.['unit']);
  if (match === undefined || unit === undefined) {
    throw new InvalidArgumentError('must be a number and a unit, such as 90s, 30m, 2h, 7d or 1w.');
  }
  return Number(match['count']) * unit[1];
}

/** The largest unit that fits at least once, rounded down: `3h`, `12d`; from milliseconds. */
export function durationText(ms: number): string {
  for (const unit of ['d', 'h', 'm', 's'] as const) {
    if (ms >= UNITS_MS[unit]) return `${Math.floor(ms / UNITS_MS[unit])}${unit}`;
  }
  return '0s';
}
