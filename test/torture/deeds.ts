/**
 * Does what the plan says to workers, Redis and their connection, and counts it.
 */
import type { Fleet } from './fleet.ts';
import type { Environment } from './environment.ts';
import type { Random } from './random.ts';
import type { FaultKind } from './schedule.ts';

/** Any call to Redis, the settling of a job, or its fetch. */
const REPLIES_TO_LOSE = [
  '',
  'user.created',
  'user.updated',
  'user.deleted',
  'user.moved',
  ':lock',
  ':settled:',
];

export function deedsAgainst({ redis }: Environment, fleet: Fleet, random: Random) {
  const injected: Record<FaultKind, number> = {
    'worker kill': 0,
    'worker freeze': 0,
    'redis kill': 0,
    'reply lost': 0,
  };
  const deeds: Readonly<Record<FaultKind, () => Promise<void>>> = {
    'worker kill': async () => {
      await fleet.kill();
      injected['worker kill'] += 1;
    },
    'worker freeze': async () => {
      if (fleet.freeze()) injected['worker freeze'] += 1;
    },
    'redis kill': async () => {
      await redis.kill();
      injected['redis kill'] += 1;
    },
    // It is lost at the next call, which may be much later.
    'reply lost': async () => {
      void redis.loseReply(random.pick(REPLIES_TO_LOSE) ?? '').then(() => (injected['reply lost'] += 1));
    },
  };
  return { deeds, injected };
}
