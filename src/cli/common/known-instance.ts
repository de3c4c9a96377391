/**
 * Refuses the name of a Damoov instance that is not configured: a job for it would only fail.
 */
import type { Config } from '../../config/config.ts';
import { UsageError } from './usage-error.ts';

export function knownInstances({ damoov }: Pick<Config, 'damoov'>): string[] {
  return damoov === 'sandbox' ? ['default'] : Object.keys(damoov.instances);
}

/** @param more other names that are allowed; `option`: which gives the name. @throws UsageError */
export function checkInstance(
  instance: string | undefined,
  config: Pick<Config, 'damoov'>,
  { more = [], option = '--instance' }: { more?: string[]; option?: string } = {},
): void {
  const known = [...knownInstances(config), ...more];
  if (instance !== undefined && !known.includes(instance)) {
    throw new UsageError(`${option}: there is no such instance (known: ${known.join(', ')})`);
  }
}
