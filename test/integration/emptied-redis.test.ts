import { expect, it } from 'vitest';
import { createWorld } from '../support/world.ts';

it('a Redis that was emptied knows the logins of the hour again, with no connection lost and no job to do', async () => {
  const world = await createWorld();
  const userId = await world.signUpElsewhere('c-1');
  await world.run('update-user', { userId, changes: { phone: '1' } });
  const known = () => world.redis.zcard(`${world.prefix}:logins`);
  expect(await known()).toBe(1);
  await world.redis.del(`${world.prefix}:logins`);
  await expect.poll(known).toBe(1);
});
