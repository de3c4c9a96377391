import { expect, it } from 'vitest';
import { userScripts } from '../../../src/store/users/user-scripts.ts';
import { createUserStateWorld } from './user-state-world.ts';

it('an extension prolongs the locks that are still their run’s, and no other', async () => {
  const world = await createUserStateWorld();
  const { jobs, prefix } = world;
  const base = `${prefix}:user:`;
  const scripts = userScripts({ jobs, prefix, base, leaseMs: 3_600_000 });
  const locks = [(await world.take(await world.start(), { clientId: 'ours' })).lock];
  locks.push((await world.take(await world.start(), { clientId: 'another' })).lock);
  const asked = locks.map(({ key, value }, at) => ({
    recordId: key.slice(base.length),
    run: at === 0 ? value : 'an earlier run',
  }));
  const inAnHour = Date.now() + 3_000_000;
  expect(await scripts.extend([], asked)).toEqual([1, 0]);
  const [ours, another] = await Promise.all(locks.map(({ key }) => world.redis.hget(key, 'lockUntil')));
  expect(Number(ours)).toBeGreaterThan(inAnHour);
  expect(Number(another)).toBeLessThan(inAnHour);
});
