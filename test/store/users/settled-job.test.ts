import { describe, expect, it } from 'vitest';
import { UPDATED, createUserStateWorld, live } from './user-state-world.ts';

describe('a job that is settled', () => {
  it('has its event on every events queue, once, and its run may say so twice', async () => {
    const world = await createUserStateWorld({ eventsQueues: ['user-events', 'crm-events'] });
    const job = await world.start();
    const user = await world.take(job);
    const settlement = world.settlementOf(job);
    expect(await user.onlySettle(settlement, live(user))).toMatchObject({ event: settlement.event });
    expect(await user.settle(settlement, live(user))).toBe('ok');
    const id = `${job.id}/${job.timestamp}/user.updated`;
    expect(await world.eventIds()).toEqual([[id], [id]]);
  });

  it('is told so when it is delivered again', async () => {
    const world = await createUserStateWorld();
    const job = await world.start();
    const user = await world.take(job);
    await user.onlySettle(world.settlementOf(job), live(user));
    expect(await world.begin(job)).toMatchObject({
      is: 'settled',
      settled: { kept: { outcome: UPDATED, attempts: 1 } },
    });
  });

  it('is told so also where its message was cut in the middle of an emoji', async () => {
    const world = await createUserStateWorld();
    const job = await world.start();
    const user = await world.take(job);
    const outcome = { status: 'superseded', by: 'cut \uD83D' } as const;
    await user.onlySettle(world.settlementOf(job, outcome), live(user));
    expect(await world.begin(job)).toMatchObject({
      is: 'settled',
      settled: { kept: { outcome } },
    });
  });

  it('as failed is done again after a retry by hand, and not when its worker died', async () => {
    const world = await createUserStateWorld();
    const job = await world.start();
    const user = await world.take(job);
    const outcome = { status: 'failed', code: 'rejected', message: 'no' } as const;
    await user.settle(world.settlementOf(job, outcome), { record: user.record });
    job.stalledCounter = 1;
    job.attemptsStarted++;
    expect(await world.begin(job)).toMatchObject({ is: 'settled', settled: { kept: { outcome } } });
    // A reply that was lost.
    expect(await world.begin(job)).toMatchObject({ is: 'settled', settled: { kept: { outcome } } });
    job.stalledCounter = 2;
    job.attemptsStarted++;
    expect(await world.begin(job)).toMatchObject({ is: 'settled', settled: { kept: { outcome } } });
    // Put back by hand, a job still has stalled as often.
    job.attemptsStarted++;
    expect((await world.begin(job)).is).toBe('locked');
  });

  it('as failed is told so where Redis has lost all but its id, and not where the id was given to another', async () => {
    const world = await createUserStateWorld();
    const job = await world.start();
    const user = await world.take(job);
    const outcome = { status: 'failed', code: 'rejected', message: 'no' } as const;
    await user.settle(world.settlementOf(job, outcome), { record: user.record });
    const { timestamp } = job;
    job.timestamp = 0;
    expect(await world.begin(job)).toMatchObject({ is: 'settled', settled: { kept: { outcome } } });
    job.timestamp = timestamp + 1;
    expect((await world.begin(job)).is).toBe('locked');
  });

  it('keeps its user until its own event is published, also where an earlier job is released again', async () => {
    const world = await createUserStateWorld();
    const earlier = await world.start();
    const first = await world.take(earlier);
    const settled = await first.onlySettle(world.settlementOf(earlier), live(first));
    if (settled === 'lost') throw new Error('lost');
    await world.finish(earlier, settled);
    const job = await world.start();
    const user = await world.take(job);
    await user.onlySettle(world.settlementOf(job), live(user));
    await world.finish(earlier, settled);
    expect((await world.begin(await world.start())).is).toBe('blocked');
  });

  it('leaves its user, before its event is published, to another job that was given its id', async () => {
    const world = await createUserStateWorld();
    const job = await world.start();
    const user = await world.take(job);
    await user.onlySettle(world.settlementOf(job), live(user));
    job.timestamp++;
    job.attemptsStarted++;
    const next = await world.take(job);
    expect(await next.settle(world.settlementOf(job), live(next))).toBe('ok');
  });

  it('without a user is published once, however often it is settled', async () => {
    const world = await createUserStateWorld();
    const job = await world.start();
    const settlement = world.settlementOf(job, { status: 'failed', code: 'invalid-job', message: 'no' });
    for (let times = 0; times < 2; times += 1)
      await world.finish(job, await world.userState.settleWithoutUser(world.runOf(job), settlement));
    expect(await world.eventIds()).toEqual([[`${job.id}/${job.timestamp}/user.failed`]]);
  });
});
