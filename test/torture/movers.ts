/**
 * Others than the workers, who move users between two instances while the jobs run. The workers know both.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Caller } from '../sandbox/caller.ts';
import { DEFAULT, OTHER } from '../support/instances.ts';
import type { LoadJob } from './load.ts';
import type { Random } from './random.ts';

const PACE_MS = 5;

/** Moves users whose ids the jobs name, until it is stopped; answers how often. */
export function startMovers(sandboxUrl: string, load: readonly LoadJob[], random: Random) {
  const userIds = [...new Set(load.flatMap(({ userId }) => userId ?? []))];
  const stop = new AbortController();
  const moves = (async () => {
    const admin = new Caller(sandboxUrl, 0);
    let count = 0;
    for (let isIn = false; !stop.signal.aborted && userIds.length > 0;) {
      await sleep(PACE_MS);
      // Its own logins and moves meet the same faults as the requests of the workers.
      if (!isIn)
        isIn = await admin.becomeAdmin().then(
          () => true,
          () => false,
        );
      const to = random.pick([DEFAULT, OTHER]);
      const DeviceToken = userIds[random.below(userIds.length)];
      const body = { DeviceToken, ToInstanceId: to?.id, ToInstanceKey: to?.key };
      const moved = isIn ? await admin.move(body).catch(() => undefined) : undefined;
      if (moved?.status === 200) count += 1;
      if (moved?.status === 401) isIn = false;
    }
    return count;
  })();
  return {
    async stop() {
      stop.abort();
      return moves;
    },
  };
}
