import type { Job } from 'bullmq';
import { describe, expect, it } from 'vitest';
import { waiting } from '../circuits/circuits-world.ts';
import { type UserStateWorld, createUserStateWorld } from './user-state-world.ts';

/** A job that is blocked, and not delayed yet. */
async function block(world: UserStateWorld, job: Job) {
  const begun = await world.ask(job);
  if (begun.is !== 'blocked') throw new Error(begun.is);
  return begun;
}

async function blockedOf(world: UserStateWorld) {
  return (await world.story())?.open.filter(({ is }) => is === 'blocked').map(({ jobId }) => jobId);
}

describe('a job that was just delayed', () => {
  it('is the next one of a user who is free by now, in the line no more', async () => {
    const world = await createUserStateWorld();
    const dead = await world.start();
    await world.take(dead);
    const job = await world.start();
    const blocked = await block(world, job);
    await world.loseLock(dead);
    expect(await world.userState.isFree(world.runOf(job), blocked)).toBe(true);
    expect(await blockedOf(world)).toEqual([]);
    expect(await world.begin(await world.start())).toEqual({ is: 'blocked' });
  });

  it('is in the line again behind a job that came between', async () => {
    const world = await createUserStateWorld();
    const user = await world.take(await world.start());
    const job = await world.start();
    const blocked = await block(world, job);
    await user.unlock({ record: user.record });
    await world.redis.hset(user.lock.key, 'nextUntil', 1);
    const between = await world.take(await world.start());
    expect(await world.userState.isFree(world.runOf(job), blocked)).toBe(false);
    await job.moveToDelayed(Date.now() + 60_000, job.token);
    await between.unlock({ record: between.record });
    expect(await waiting(world)).toEqual([job.id]);
  });

  it('leaves nothing behind for a user that Redis has forgotten', async () => {
    const world = await createUserStateWorld();
    const user = await world.take(await world.start());
    const job = await world.start();
    const blocked = await block(world, job);
    await world.redis.del(user.lock.key);
    expect(await world.userState.isFree(world.runOf(job), blocked)).toBe(true);
    expect(await world.story()).toBeUndefined();
  });
});
