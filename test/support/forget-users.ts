/**
 * Has Redis forget what is remembered of users, as it does 30 days after their last job.
 */
import { expect } from 'vitest';
import type { World } from './world.ts';

export async function forgetUsers({ redis, prefix }: Pick<World, 'redis' | 'prefix'>): Promise<void> {
  const keys = await redis.keys(`${prefix}:user:*`);
  expect(keys.length).toBeGreaterThan(0);
  await redis.del(...keys);
}
