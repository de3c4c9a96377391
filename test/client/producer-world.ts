/** Producers on a queue of the test. */
import { onTestFinished } from 'vitest';
import { UserJobs, type UserJobsOptions } from '../../src/client/user-jobs.ts';
import { type World, type WorldOptions, createWorld } from '../support/world.ts';

export function producerIn(world: World, options: Partial<UserJobsOptions> = {}): UserJobs {
  const { REDIS_URL: redis = '' } = world.env;
  const users = new UserJobs({ redis, prefix: world.prefix, failAfterMs: 20_000, ...options });
  onTestFinished(() => users.close());
  return users;
}

export async function createProducerWorld(options: WorldOptions = {}) {
  const world = await createWorld(options);
  return { world, users: producerIn(world) };
}
