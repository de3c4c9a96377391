import { describe, expect, it } from 'vitest';
import { UPDATED, createLedgerWorld, live } from './ledger-world.ts';

describe('a job that is settled', () => {
  it('has its event on every events queue, once, and its run may say so twice', async () => {
    const world = await createLedgerWorld({ eventsQueues: ['user-events', 'crm-events'] });
    const job = await world.start();
    const user = await world.take(job);
    const settlement = world.settlementOf(job);
    expect(await user.settle(settlement, live(user))).toBe('ok');
    expect(await user.settle(settlement, live(user))).toBe('ok');
    const id = `${job.id}/${job.timestamp}/user.updated`;
    expect(await world.eventIds()).toEqual([[id], [id]]);
  });

  it('is told so when it is delivered again', async () => {
    const world = await createLedgerWorld();
    const job = await world.start();
    const user = await world.take(job);
    await user.settle(world.settlementOf(job), live(user));
    expect(await world.begin(job)).toMatchObject({
      is: 'settled',
      settlement: { outcome: UPDATED, attempts: 1 },
    });
  });

  it('is told so also where its message was cut in the middle of an emoji', async () => {
    const world = await createLedgerWorld();
    const job = await world.start();
    const user = await world.take(job);
    const outcome = { status: 'superseded', by: 'cut \uD83D' } as const;
    expect(await user.settle(world.settlementOf(job, outcome), live(user))).toBe('ok');
    expect(await world.begin(job)).toMatchObject({
      is: 'settled',
      settlement: { outcome: { by: 'cut \uFFFD' } },
    });
  });

  it('as failed is done again when it was put back by hand, and not when its worker died', async () => {
    const world = await createLedgerWorld();
    const job = await world.start();
    const user = await world.take(job);
    const outcome = { status: 'failed', code: 'rejected', message: 'no' } as const;
    await user.settle(world.settlementOf(job, outcome), { record: user.record });
    await world.redis.hset(`${world.prefix}:user-jobs:${job.id}`, 'stc', '1');
    job.attemptsStarted++;
    expect(await world.begin(job)).toMatchObject({ is: 'settled', settlement: { outcome } });
    // A reply that was lost.
    expect(await world.begin(job)).toMatchObject({ is: 'settled', settlement: { outcome } });
    await world.redis.hset(`${world.prefix}:user-jobs:${job.id}`, 'stc', '2');
    job.attemptsStarted++;
    expect(await world.begin(job)).toMatchObject({ is: 'settled', settlement: { outcome } });
    // Put back by hand, a job still has stalled as often.
    job.attemptsStarted++;
    expect((await world.begin(job)).is).toBe('taken');
  });

  it('completes in the same step where it can, and brings the next job', async () => {
    const world = await createLedgerWorld();
    const job = await world.start();
    const next = await world.add();
    const user = await world.take(job);
    const settlement = { ...world.settlementOf(job), completion: world.completionOf(job) };
    expect(await user.settle(settlement, live(user))).toBe('ok');
    expect(await job.getState()).toBe('completed');
    expect(await next.getState()).toBe('active');
    expect(await world.nextAfter(job)).toBe(next.id);
    expect((await world.jobs.getJob(job.id ?? ''))?.returnvalue).toEqual(settlement.event.data);
    // Nobody will ask for it: no run of the job comes again.
    expect(await world.redis.exists(`${world.prefix}:settled:${job.id}`)).toBe(0);
  });

  it('does not complete without its lock: its settlement stays for the run that comes', async () => {
    const world = await createLedgerWorld();
    const job = await world.start();
    const user = await world.take(job);
    await world.loseLock(job);
    const settlement = { ...world.settlementOf(job), completion: world.completionOf(job) };
    expect(await user.settle(settlement, live(user))).toBe('ok');
    expect(await job.getState()).toBe('active');
    await expect(world.nextAfter(job)).rejects.toThrow('Missing lock');
    expect(await world.redis.exists(`${world.prefix}:settled:${job.id}`)).toBe(1);
  });

  it('that the queue cannot complete is not carried out again', async () => {
    const world = await createLedgerWorld();
    const job = await world.start();
    const user = await world.take(job);
    // BullMQ's own script breaks off at a parent that is none.
    await world.redis.hset(`${world.prefix}:user-jobs:${job.id}`, 'parent', '5');
    const settlement = { ...world.settlementOf(job), completion: world.completionOf(job) };
    expect(await user.settle(settlement, live(user))).toBe('ok');
    await world.lockAgain(job);
    expect(await world.begin(job)).toMatchObject({ is: 'settled', settlement: { outcome: UPDATED } });
  });

  it('and lost to Redis before it could complete is not told a second time', async () => {
    const world = await createLedgerWorld();
    const job = await world.start();
    const user = await world.take(job);
    await world.redis.del(world.jobs.toKey(job.id ?? ''));
    const settlement = { ...world.settlementOf(job), completion: world.completionOf(job) };
    expect(await user.settle(settlement, live(user))).toBe('ok');
    const nothingLeft = { ...world.runOf(job), timestamp: 0, nonce: 'next' };
    const failed = { status: 'failed', code: 'invalid-job', message: 'no' } as const;
    const told = await world.ledger.settleUnread(nothingLeft, world.settlementOf(job, failed));
    expect(told).toMatchObject({ outcome: UPDATED });
    expect(await world.eventIds()).toEqual([[settlement.event.id]]);
  });

  it('is forgotten once it has completed', async () => {
    const world = await createLedgerWorld();
    const job = await world.start();
    const user = await world.take(job);
    await user.settle(world.settlementOf(job), live(user));
    world.ledger.forgetSettled([job.id ?? '']);
    await expect.poll(() => world.redis.exists(`${world.prefix}:settled:${job.id}`)).toBe(0);
  });

  it('without a user is published once, however often it is settled', async () => {
    const world = await createLedgerWorld();
    const job = await world.start();
    const settlement = world.settlementOf(job, { status: 'failed', code: 'invalid-job', message: 'no' });
    await world.ledger.settleUnread(world.runOf(job), settlement);
    await world.ledger.settleUnread(world.runOf(job), settlement);
    expect(await world.eventIds()).toEqual([[`${job.id}/${job.timestamp}/user.failed`]]);
  });

  it('without a user is not told by a run that lost its lock to one that has completed the job', async () => {
    const world = await createLedgerWorld();
    const job = await world.start();
    const frozen = { ...world.runOf(job), token: 'another' };
    const user = await world.take(job);
    await user.settle({ ...world.settlementOf(job), completion: world.completionOf(job) }, live(user));
    const failed = { status: 'failed', code: 'unknown-instance', message: 'no' } as const;
    const late = await world.ledger.settleUnread(frozen, world.settlementOf(job, failed));
    expect(await world.eventIds()).toEqual([[`${job.id}/${job.timestamp}/user.updated`]]);
    expect(late).toBe('lost');
  });
});
