/**
 * Reads that are tried again where Damoov is away for a moment or asks for slowness. For reads only: they may be repeated
 * without a second thought.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { DamoovClient } from '../damoov/client.ts';
import { DamoovError, type DamoovErrorKind } from '../damoov/errors.ts';
import { type RetryPolicy, retryDelayMs } from '../lifecycle/retry-policy.ts';

type Reads = Pick<DamoovClient, 'page' | 'findUsers'>;

/** A minute and a half at the most, half of that on average: what lasts longer somebody should know of. */
const POLICY: RetryPolicy = { attempts: 8, baseMs: 500, maxMs: 30_000 };

/** What passes by itself. A login that is barred may be so for an hour: that is told. */
const PASSING: ReadonlySet<DamoovErrorKind> = new Set(['timeout', 'network', 'server', 'rate-limited']);

/** Each has waited some seconds for its turn. */
const MOST_HELD_BACK = 60;

/** @param pause resolves after so many milliseconds. */
export function patiently(client: Reads, pause: (ms: number) => Promise<unknown> = sleep): Reads {
  async function untilAnswered<T>(read: () => Promise<T>): Promise<T> {
    let heldBack = 0;
    for (let attempt = 1; ;) {
      try {
        return await read();
      } catch (error) {
        const isPassing = error instanceof DamoovError && PASSING.has(error.kind);
        if (!isPassing || attempt >= POLICY.attempts) throw error;
        await pause(retryDelayMs(POLICY, attempt, error.retryAfterMs));
        // A read that the fleet's own rate held back has asked nothing. A Redis that lets nothing go holds back each.
        if (error.wasSent || error.kind !== 'rate-limited') attempt += 1;
        else if ((heldBack += 1) > MOST_HELD_BACK) throw error;
      }
    }
  }
  return {
    page: (query, options) => untilAnswered(() => client.page(query, options)),
    findUsers: (query, options) => untilAnswered(() => client.findUsers(query, options)),
  };
}
