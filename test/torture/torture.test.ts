import { expect, it } from 'vitest';
import { REDIS_KINDS, type RedisKind } from './torture-redis.ts';
import { torture } from './torture.ts';

const { TORTURE_SEED = '1' } = process.env;

/** No job runs during a fail-over, which takes time: fewer jobs are enough. */
const LOADS = {
  single: { jobs: 150, kills: 4 },
  cluster: { jobs: 60, kills: 2 },
  sentinel: { jobs: 60, kills: 2 },
} as const;

async function endsAsTheModelSays(load: { jobs: number; kills: number }, redis: RedisKind): Promise<void> {
  const options = { ...load, seed: Number(TORTURE_SEED), workers: 2, redisKills: 1, redis };
  const { verdict, stories, injected } = await torture(options);
  const differences = Object.entries(verdict).filter(([, findings]) => findings.length > 0);
  expect(Object.fromEntries(differences), stories.join('\n\n')).toEqual({});
  expect(injected).toMatchObject({ 'worker kill': load.kills, 'redis kill': 1 });
}

it('a few jobs under fire end with one event id and one user each, as the model says, and none is left', () =>
  endsAsTheModelSays({ jobs: 40, kills: 1 }, 'single'));

it.each(REDIS_KINDS)(
  'jobs under fire end with one event id and one user each, as the model says, and none is left (%s Redis)',
  { tags: ['slow'] },
  (redis) => endsAsTheModelSays(LOADS[redis], redis),
);
