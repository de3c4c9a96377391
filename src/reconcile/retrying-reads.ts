/**
 * Repeats reads while Damoov is briefly away or asks for a lower rate. For reads only, which are safe to repeat.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { DamoovClient } from '../damoov/client.ts';
import { DamoovError, type DamoovErrorKind } from '../damoov/errors.ts';
import { type RetryPolicy, retryDelayMs } from '../lifecycle/retry-policy.ts';

type Reads = Pick<DamoovClient, 'page' | 'findUsers'>;

/** At most a minute and a half, half of that on average: longer faults must be reported. */
const POLICY: RetryPolicy = { attempts: 8, baseMs: 500, maxMs: 30_000 };

/** Transient faults. A barred login may last an hour, so it is reported. */
const PASSING: ReadonlySet<DamoovErrorKind> = new Set(['timeout', 'network', 'server', 'rate-limited']);

/** Each has waited some seconds for a slot. */
const MOST_RATE_REFUSALS = 60;

/** @param pause resolves after this time. */
export function retryingReads(client: Reads, pause: (ms: number) => Promise<unknown> = sleep): Reads {
  async function untilAnswered<T>(read: () => Promise<T>): Promise<T> {
    let refusals = 0;
    for (let attempt = 1; ;) {
      try {
        return await read();
      } catch (error) {
        const isPassing = error instanceof DamoovError && PASSING.has(error.kind);
        if (!isPassing || attempt >= POLICY.attempts) throw error;
        await pause(retryDelayMs(POLICY, attempt, error.retryAfterMs));
        // A read refused by the fleet's own rate was not sent. If Redis is away, every read is refused.
        if (error.wasSent || error.kind !== 'rate-limited') attempt += 1;
        else if ((refusals += 1) > MOST_RATE_REFUSALS) throw error;
      }
    }
  }
  return {
    page: (query, options) => untilAnswered(() => client.page(query, options)),
    findUsers: (query, options) => untilAnswered(() => client.findUsers(query, options)),
  };
}
