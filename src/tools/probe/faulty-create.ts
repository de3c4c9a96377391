/**
 * Creates that are wrong in themselves. Where Damoov refuses one whatever the key, it shows whether an InstanceKey is good and
 * makes no user; which of them that is, only a probe can tell.
 */
import type { FAULTY_CREATES } from './facts.ts';

/** What such a create has otherwise in its body. */
export function faultyBody(fault: (typeof FAULTY_CREATES)[number]): object {
  switch (fault) {
    case 'token':
      return { CustomToken: 'not-a-uuid' };
    case 'type':
      return { FirstName: {} };
    default:
      return fault satisfies never;
  }
}
