/**
 * A point in time as people write it. Knows no clock.
 */
import { InvalidArgumentError } from 'commander';
import { z } from 'zod';

const Instant = z.iso.datetime({ offset: true });

/**
 * ISO 8601 with a zone, `2027-01-31T12:00:00Z` or `…+01:00`; in epoch milliseconds.
 * @throws InvalidArgumentError, which commander reports by the option's name.
 */
export function parseInstantMs(text: string): number {
  const instant = Instant.safeParse(text.trim());
  if (!instant.success) {
    throw new InvalidArgumentError('must be ISO 8601 with a zone, such as 2027-01-31T12:00:00Z.');
  }
  return Date.parse(instant.data);
}
