/**
 * A point in time as an option gives it.
 */
import { InvalidArgumentError } from 'commander';
import { instantMsOf } from '../../contract/duration.ts';

/**
 * ISO 8601 with a zone, `2027-01-31T12:00:00Z` or `…+01:00`; in epoch milliseconds.
 * @throws InvalidArgumentError, which commander reports by the option's name.
 */
export function parseInstantMs(text: string): number {
  const ms = instantMsOf(text);
  if (ms === undefined) {
    throw new InvalidArgumentError('must be ISO 8601 with a zone, such as 2027-01-31T12:00:00Z.');
  }
  return ms;
}

/** What clocks may differ, in milliseconds. */
const AHEAD_MS = 60_000;

/**
 * The same, of something that has happened.
 * @throws InvalidArgumentError, which commander reports by the option's name.
 */
export function parsePastMs(text: string): number {
  const ms = parseInstantMs(text);
  if (ms > Date.now() + AHEAD_MS) throw new InvalidArgumentError('must not be in the future.');
  return ms;
}
