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

it('the story of a user tells of a job once: as running, as blocked, or why it goes on later', async () => {
  const world = await createUserStateWorld();
  const job = await world.start();
  const user = await world.take(job);
  await user.unlock({ record: user.record }, { status: 'retry', reason: 'unavailable', at: 5000 });
  const later = { jobId: job.id, is: 'retry', reason: 'unavailable', at: 5000 };
  expect((await world.story())?.open).toEqual([later]);
  const other = await world.start();
  await world.take(other);
  job.attemptsStarted++;
  await world.ask(job);
  expect(await world.story()).toMatchObject({ lockedBy: other.id, open: [{ jobId: job.id, is: 'blocked' }] });
  expect((await world.story())?.open).toHaveLength(1);
  await world.loseLock(other);
  expect((await world.story())?.lockedBy).toBeUndefined();
  await world.take(job);
  expect(await world.story()).toMatchObject({ lockedBy: job.id, open: [] });
});

it('the story of a user has the failed jobs by their ids, the newest first, and a hundred at most', async () => {
  const world = await createUserStateWorld();
  const user = await world.take(await world.start());
  const versions = Array.from({ length: 101 }, (_, n) => [n, `${n} 0 job ${n}`]).flat();
  await world.redis.zadd(`${user.lock.key}:failures`, ...versions, 200, 'no version');
  const failed = (await world.story())?.failed;
  expect(failed).toHaveLength(99);
  expect(failed?.slice(0, 2)).toEqual(['job 100', 'job 99']);
  const waiting = Array.from({ length: 101 }, (_, n) => [n, `job ${n}`]).flat();
  await world.redis.zadd(`${user.lock.key}:blocked`, ...waiting);
  expect((await world.story())?.open).toHaveLength(100);
});

it('no story is told of a user without an id, or of one that is not known', async () => {
  const world = await createUserStateWorld();
  expect(await world.story({})).toBeUndefined();
  expect(await world.story({ userId })).toBeUndefined();
});
