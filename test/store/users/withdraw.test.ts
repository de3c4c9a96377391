import type { Job } from 'bullmq';
import { expect, it } from 'vitest';
import { versionFor, waiting } from '../circuits/circuits-world.ts';
import { type UserStateWorld, UPDATED, createUserStateWorld, instance } from './user-state-world.ts';

/** A deletion ends, and it was never sent. */
async function endUnsent(world: UserStateWorld, job: Job) {
  const deletions = { clientId: 'c-1', instance: 'default', is: 'unsent' } as const;
  const whose = { instance, address: { clientId: 'c-1' }, version: versionFor(job) };
  const settlement = { ...world.settlementOf(job, { status: 'superseded', by: 'cancelled' }), deletions };
  return world.userState.settleWithoutUser(world.runOf(job), settlement, whose);
}

/** A user that is locked, with two jobs in line. */
async function createLine() {
  const world = await createUserStateWorld();
  const first = await world.start();
  const user = await world.take(first);
  const deletion = await world.start('delete-user', { timestamp: 1000 });
  const next = await world.start('update-user', { timestamp: 2000 });
  for (const job of [deletion, next]) await world.begin(job);
  return { world, user, deletion, next, unlock: () => user.unlock({ record: user.record }) };
}

it('a deletion that ends unsent is in the line of its user no more', async () => {
  const { world, deletion, next, unlock } = await createLine();
  await deletion.promote();
  await endUnsent(world, await world.fetch());
  await unlock();
  expect(await waiting(world)).toEqual([next.id]);
});

it('a deletion that ends unsent leaves a user that is kept for it to the next job', async () => {
  const { world, deletion, next, unlock } = await createLine();
  await unlock();
  const promoted = await world.fetch();
  expect(promoted.id).toBe(deletion.id);
  await endUnsent(world, promoted);
  expect(await waiting(world)).toEqual([next.id]);
});

it('a job of no user that ends otherwise leaves the line as it is', async () => {
  const { world, deletion, unlock } = await createLine();
  const whose = { instance, address: { clientId: 'c-1' }, version: versionFor(deletion) };
  await world.userState.settleWithoutUser(
    world.runOf(deletion),
    world.settlementOf(deletion, UPDATED),
    whose,
  );
  await unlock();
  expect(await waiting(world)).toEqual([deletion.id]);
});
