import type { Job } from 'bullmq';
import { describe, expect, it } from 'vitest';
import { open, versionFor, waiting } from '../circuits/circuits-world.ts';
import { type UserStateWorld, createUserStateWorld, live, userId } from './user-state-world.ts';

const LEASE_MS = 30_000;
const EVERY_ID = { clientId: 'c-1', userId, userIdIs: 'derived' } as const;

/** The job was delivered again after its worker had died. */
function stall(job: Job): Job {
  job.attemptsStarted++;
  job.stalledCounter++;
  return job;
}

describe('a run', () => {
  it('of which a newer one of the same job has the user is lost', async () => {
    const world = await createUserStateWorld();
    const job = await world.start();
    await world.take(stall(job));
    job.attemptsStarted++;
    job.stalledCounter--;
    expect(await world.ask(job)).toEqual({ is: 'lost' });
  });

  it('that has lost its user to another job does not get the user that its look-up shows', async () => {
    const world = await createUserStateWorld();
    const dead = await world.start();
    const user = await world.take(dead);
    await world.loseLock(dead);
    await world.take(await world.start());
    expect((await user.lockAlso(userId)).is).toBe('lost');
  });

  it('of a deletion asks twice for the user that has given up the clientId, and gets it twice', async () => {
    const world = await createUserStateWorld();
    const renaming = await world.start();
    const known = await world.take(renaming, { clientId: 'old' });
    await known.settle(world.settlementOf(renaming), { ...live(known), renamedTo: 'new' });
    const deletion = await world.take(await world.start('delete-user'), { clientId: 'old' });
    expect((await deletion.lockAlso(userId)).is).toBe('locked');
    // The reply was lost and the call is made again.
    expect((await deletion.lockAlso(userId)).is).toBe('locked');
  });
});

describe('a job that is blocked', () => {
  it('waits longer the more jobs are in line, as it is promoted before', async () => {
    const world = await createUserStateWorld();
    await world.take(await world.start());
    for (const patienceMs of [1.5 * LEASE_MS, 3 * LEASE_MS])
      expect(await world.ask(await world.start())).toMatchObject({ is: 'blocked', patienceMs });
  });

  it('by a run of its own that was cut off waits until the lease of that run ends', async () => {
    const world = await createUserStateWorld();
    const job = await world.start();
    await world.take(job);
    const begun = await world.ask(stall(job));
    expect(begun).toMatchObject({ is: 'blocked', patienceMs: expect.any(Number) });
    expect(begun.is === 'blocked' && begun.patienceMs).toBeLessThanOrEqual(LEASE_MS);
  });

  it('leaves the line when it begins at its own time', async () => {
    const world = await createUserStateWorld();
    const dead = await world.start();
    await world.take(dead);
    const job = await world.start();
    await world.begin(job);
    expect((await world.story())?.open).toMatchObject([{ jobId: job.id }]);
    await world.loseLock(dead);
    await job.promote();
    await world.take(await world.fetch());
    expect((await world.story())?.open).toEqual([]);
  });

  it('is in a line that Redis forgets with the record', async () => {
    const world = await createUserStateWorld();
    await world.take(await world.start());
    await world.begin(await world.start());
    expect(await world.shortestTtl('user:*:blocked')).toBeGreaterThan(0);
  });
});

describe('a job that is held before a circuit', () => {
  async function createHeld(world: UserStateWorld, job: Job) {
    await open(world);
    expect((await world.begin(job, EVERY_ID)).is).toBe('held');
    return job;
  }

  it('runs once the circuit is closed', async () => {
    const world = await createUserStateWorld();
    const opened = await open(world);
    const job = await world.start();
    expect((await world.begin(job)).is).toBe('held');
    await world.circuits.probed(world.runOf(opened), 'admin', true);
    expect(await waiting(world)).toEqual([opened.id, job.id]);
  });

  it('as a create is known by each id of its user, and for as long as a record is kept', async () => {
    const world = await createUserStateWorld();
    const create = await createHeld(world, await world.start('create-user'));
    const record = { pending: versionFor(create) };
    expect(await world.story({ clientId: 'c-1' })).toMatchObject({ record });
    expect(await world.story({ userId })).toMatchObject({ record });
    expect(await world.shortestTtl('user:*')).toBeGreaterThan(0);
  });

  it('is in the line of its user no more, and leaves the user to the next job in it', async () => {
    const world = await createUserStateWorld();
    const dead = await world.start();
    const user = await world.take(dead);
    const kept = await world.start('update-user', { timestamp: 1000 });
    const next = await world.start('update-user', { timestamp: 2000 });
    for (const job of [kept, next]) await world.begin(job);
    await user.unlock({ record: user.record });
    expect(await waiting(world)).toEqual([kept.id]);
    await createHeld(world, await world.fetch());
    expect(await waiting(world)).toEqual([next.id]);
  });

  it('at its own time is not promoted as the next one in line', async () => {
    const world = await createUserStateWorld();
    const dead = await world.start();
    const user = await world.take(dead);
    const early = await world.start('update-user', { timestamp: 1000 });
    const next = await world.start('update-user', { timestamp: 2000 });
    for (const job of [early, next]) await world.begin(job);
    await world.loseLock(dead);
    await early.promote();
    await createHeld(world, await world.fetch());
    await user.unlock({ record: user.record });
    expect(await waiting(world)).toEqual([next.id]);
  });
});
