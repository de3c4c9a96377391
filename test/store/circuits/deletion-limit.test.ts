import { expect, it } from 'vitest';
import { createDeletionLimit } from '../../../src/store/circuits/deletion-limit.ts';
import type { DeletionRequest } from '../../../src/store/deletions/deletions.ts';
import { createDeletionsWorld, userId } from '../deletions/deletions-world.ts';

it('the deletions that the limit holds are found by the ids of their user, in its instance', async () => {
  const world = await createDeletionsWorld();
  const limit = createDeletionLimit(world);
  const held: string[] = [];
  const hold = async (request: DeletionRequest) => {
    const { jobId } = await world.schedule(request, Date.now());
    held.push(jobId);
    await world.redis.zadd(`${world.prefix}:circuit:deletion-limit:held`, held.length, jobId);
    return jobId;
  };
  const byClient = await hold({ clientId: 'c-1' });
  const byUser = await hold({ userId });
  const elsewhere = await hold({ clientId: 'c-1', instance: 'eu' });
  const { jobId: notHeld } = await world.schedule({ clientId: 'c-2' }, Date.now());
  expect(await limit.find()).toEqual(held);
  expect(await limit.find({ clientId: 'c-1' })).toEqual([byClient]);
  expect(await limit.find({ userId: userId.toUpperCase() })).toEqual([byUser]);
  expect(await limit.find({ clientId: 'c-1', instance: 'eu' })).toEqual([elsewhere]);
  expect(await limit.find({ clientId: 'c-2' })).toEqual([]);
  expect([await limit.holds(byUser), await limit.holds(notHeld)]).toEqual([true, false]);
});
