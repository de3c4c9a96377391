import { expect, it } from 'vitest';
import type { Job } from 'bullmq';
import type { CircuitName } from '../../../src/lifecycle/ports/circuits.ts';
import { type UserStateWorld, createUserStateWorld, instance } from '../users/user-state-world.ts';
import { versionFor } from './circuits-world.ts';

/** A deletion that was refused this passes the circuits that a deletion must. */
async function passAfter(world: UserStateWorld, job: Job, refused: CircuitName[]) {
  const version = versionFor(job);
  for (const circuit of refused)
    await world.circuits.refuse(world.runOf(job), version, { circuit, reason: 'not today' });
  const { timestamp } = job;
  const must: CircuitName[] = ['damoov', 'deletion-limit'];
  const asked = { name: 'delete-user', version, timestamp } as const;
  return world.userState.begin(world.runOf(job), asked, instance, { clientId: 'c-1' }, { must, may: [] });
}

it('a deletion over the limit is held, and never tries the limit', async () => {
  const world = await createUserStateWorld();
  const job = await world.start('delete-user');
  expect(await passAfter(world, job, ['deletion-limit'])).toEqual({ is: 'held', circuit: 'deletion-limit' });
  expect(await passAfter(world, job, [])).toEqual({ is: 'held', circuit: 'deletion-limit' });
});

it('a deletion over the limit that an outage holds, too, stays in the list of the limit', async () => {
  const world = await createUserStateWorld();
  const job = await world.start('delete-user');
  const begun = await passAfter(world, job, ['deletion-limit', 'damoov']);
  expect(begun).toEqual({ is: 'held', circuit: 'damoov' });
  expect(await world.circuits.stateOf('deletion-limit')).toMatchObject({ held: 1 });
});
