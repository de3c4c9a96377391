/**
 * Spans of time as an option gives them.
 */
import { InvalidArgumentError } from 'commander';
import { durationMsOf } from '../../contract/duration.ts';

/**
 * `90s`, `1.5h`, `7d`: a number and one of ms, s, m, h, d, w; in milliseconds.
 * @throws InvalidArgumentError, which commander reports by the option's name.
 */
export function parseDurationMs(text: string): number {
  const ms = durationMsOf(text);
  if (ms === undefined) {
    throw new InvalidArgumentError('must be a number and a unit, such as 90s, 30m, 2h, 7d or 1w.');
  }
  return ms;
}
