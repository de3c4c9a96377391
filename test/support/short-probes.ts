/**
 * Circuits that are tried again soon, so that a test need not wait for seconds.
 */
import type { Timings } from '../../src/app/app.ts';

export const SHORT_PROBES: Pick<Timings, 'probes' | 'wakeHeldMs'> = {
  probes: { credential: { firstMs: 50, lastMs: 200 }, outage: { firstMs: 50, lastMs: 200 } },
  wakeHeldMs: 20,
};
