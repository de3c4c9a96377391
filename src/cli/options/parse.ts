/**
 * Reads the values of options. Each function throws an InvalidArgumentError, which commander reports by the option's name.
 */
import { InvalidArgumentError } from 'commander';
import { durationMsOf, instantMsOf } from '../../contract/duration.ts';

/** `90s`, `1.5h`, `7d`: a number and one of ms, s, m, h, d, w; in milliseconds. */
export function parseDurationMs(text: string): number {
  const ms = durationMsOf(text);
  if (ms !== undefined) return ms;
  throw new InvalidArgumentError('must be a number and a unit, such as 90s, 30m, 2h, 7d or 1w.');
}

/** ISO 8601 with a zone, `2027-01-31T12:00:00Z` or `…+01:00`; in epoch milliseconds. */
export function parseInstantMs(text: string): number {
  const ms = instantMsOf(text);
  if (ms !== undefined) return ms;
  throw new InvalidArgumentError('must be ISO 8601 with a zone, such as 2027-01-31T12:00:00Z.');
}

/** How far clocks may differ, in milliseconds. */
const AHEAD_MS = 60_000;

export function parsePastMs(text: string): number {
  const ms = parseInstantMs(text);
  if (ms <= Date.now() + AHEAD_MS) return ms;
  throw new InvalidArgumentError('must not be in the future.');
}

/** A whole number within the bounds. */
export function wholeNumber(least = 0, most = Infinity): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (/^\d+$/.test(text) && Number.isSafeInteger(number) && number >= least && number <= most)
      return number;
    const bounds = most === Infinity ? `${least} or more` : `${least} to ${most}`;
    throw new InvalidArgumentError(`must be a whole number, ${bounds}.`);
  };
}

export function parseFileName(text: string): string {
  if (text !== '-') return text;
  throw new InvalidArgumentError('must be the name of a file, not -.');
}

export function parseQueueName(text: string): string {
  if (text.trim() !== '' && !text.includes(':')) return text;
  throw new InvalidArgumentError(
    'must be the name of a queue, such as user-events: not empty, and without a colon.',
  );
}
