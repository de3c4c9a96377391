import type { Job } from 'bullmq';
import { describe, expect, it } from 'vitest';
import { keyedJobId } from '../../../src/contract/job-options.ts';
import { failed } from '../../../src/contract/outcome.ts';
import { type UserStateWorld, createUserStateWorld, live } from './user-state-world.ts';

async function settle(world: UserStateWorld, job: Job, outcome?: ReturnType<typeof failed>) {
  const user = await world.take(job);
  await user.settle(world.settlementOf(job, outcome), live(user));
  return world.userState.find(job.id ?? '');
}

describe('the outcome of a job whose event is published', () => {
  it('is forgotten', async () => {
    const world = await createUserStateWorld();
    expect(await settle(world, await world.start())).toBeUndefined();
  });

  it('stays for a while, without its event, if the job may come again', async () => {
    const world = await createUserStateWorld();
    const keyed = await settle(
      world,
      await world.start('update-user', { jobId: keyedJobId('a'.repeat(27)) }),
    );
    expect(keyed).toMatchObject({ isKept: true, event: undefined });
    const refused = await settle(world, await world.start(), failed('rejected', 'no'));
    expect(refused).toMatchObject({ kept: { outcome: { status: 'failed' } }, event: undefined });
    expect(await world.shortestTtl('settled:*')).toBeGreaterThan(0);
  });

  it('stays away if Redis has lost it meanwhile', async () => {
    const world = await createUserStateWorld();
    const job = await world.start();
    const user = await world.take(job);
    const settled = await user.onlySettle(world.settlementOf(job, failed('rejected', 'no')), live(user));
    if (settled === 'lost') throw new Error(settled);
    await world.redis.del(`${world.prefix}:settled:${job.id}`);
    await world.finish(job, settled);
    expect(await world.userState.find(job.id ?? '')).toBeUndefined();
    expect((await world.begin(await world.start())).is).toBe('locked');
  });
});
