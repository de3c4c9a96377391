import { describe, expect, it } from 'vitest';
import { createDeletions } from '../../../src/store/deletions/deletions.ts';
import { DAY_MS, createDeletionsWorld, inDays } from './deletions-world.ts';

describe('a Redis that was emptied', () => {
  it('gets a new secret, and every process goes by it', async () => {
    const world = await createDeletionsWorld();
    const others = createDeletions({ jobs: world.jobs, prefix: world.prefix });
    await others.schedule({ clientId: 'c-1' }, inDays(30));
    await world.schedule({ clientId: 'c-1' });
    await world.redis.unlink(...(await world.redis.keys(`${world.prefix}*`)));
    await world.schedule({ clientId: 'c-1' });
    expect(await others.cancel({ clientId: 'c-1' })).toBe('cancelled');
  });

  it('is asked with that secret by a worker, too, and for the list', async () => {
    const world = await createDeletionsWorld();
    const emptied = async () => {
      await world.redis.del(`${world.prefix}:deletion-salt`);
      return createDeletions({ jobs: world.jobs, prefix: world.prefix });
    };
    const [first, second] = await Promise.all(
      ['c-1', 'c-2', 'c-3'].map((clientId) =>
        world.jobs.add('delete-user', { clientId }, { delay: DAY_MS, timestamp: Date.now() - 1 }),
      ),
    );
    if (first === undefined || second === undefined) throw new Error('no job');
    expect(await world.check(first)).toMatchObject({ is: 'open' });
    expect(await world.list()).toHaveLength(3);
    await (await emptied()).cancel({ clientId: 'c-1' });
    expect(await world.list()).toHaveLength(2);
    expect(await world.check(first)).toMatchObject({ is: 'cancelled' });
    await (await emptied()).cancel({ clientId: 'c-2' });
    expect(await world.authorize(second)).toBe('cancelled');
    await (await emptied()).schedule({ clientId: 'c-4' }, inDays(1));
    expect(await world.deletions.find({ clientId: 'c-4' })).toMatchObject({ clientId: 'c-4' });
  });
});
