import { expect, it } from 'vitest';
import { failed } from '../../../src/contract/outcome.ts';
import { readUserStory } from '../../../src/store/users/user-story.ts';
import { open } from '../circuits/circuits-world.ts';
import { type UserStateWorld, createUserStateWorld, instance, live, userId } from './user-state-world.ts';

const read = ({ jobs, prefix }: UserStateWorld, ids: { clientId?: string; userId?: string }) =>
  readUserStory({ jobs, prefix, instance }, ids);

it('the story of a user tells by each of its ids who it is, which job has it, and which have failed or wait', async () => {
  const world = await createUserStateWorld();
  const create = await world.start('create-user');
  const created = await world.take(create);
  await created.settle(world.settlementOf(create), live(created));
  const refused = await world.start();
  const user = await world.take(refused);
  const settlement = world.settlementOf(refused, failed('rejected', 'no'));
  await user.settle(settlement, { record: user.record });
  const running = await world.start();
  await world.take(running);
  const blocked = await world.start();
  await world.begin(blocked);
  const story = {
    record: { userId, state: 'live' },
    lockedBy: running.id,
    open: [{ jobId: blocked.id, is: 'blocked' }],
    failed: [refused.id],
  };
  expect(await read(world, { clientId: 'c-1' })).toMatchObject(story);
  expect(await read(world, { userId: userId.toUpperCase() })).toMatchObject(story);
  expect(await read(world, { clientId: 'c-1', userId: userId.replace('9', '8') })).toMatchObject(story);
  expect(await read(world, { clientId: 'c-2' })).toBeUndefined();
});

it('the story of a user tells of a job that is held before a circuit', async () => {
  const world = await createUserStateWorld();
  await open(world);
  const held = await world.start('create-user');
  await world.begin(held);
  const story = await read(world, { clientId: 'c-1' });
  expect(story).toMatchObject({ open: [{ jobId: held.id, is: 'held' }], failed: [] });
  expect(story?.lockedBy).toBeUndefined();
});
