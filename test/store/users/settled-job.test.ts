import { describe, expect, it } from 'vitest';
import { eventOf } from '../../../src/contract/event.ts';
import { keyedJobId } from '../../../src/contract/job-options.ts';
import { type Settled, failed } from '../../../src/contract/outcome.ts';
import { signReceipt } from '../../../src/contract/receipt.ts';
import type { Settlement } from '../../../src/lifecycle/ports/user-state.ts';
import {
  type Sign,
  endOf,
  linesOf,
  settledBefore,
  settledNow,
} from '../../../src/store/users/settled-job.ts';
import { userTokensKey } from '../../../src/store/users/user-tokens.ts';
import { UPDATED, createUserStateWorld, instance, live, userId } from './user-state-world.ts';

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

describe('the stored form of a settled job', () => {
  const DAY_S = 86_400;
  const keyed = keyedJobId('a'.repeat(27));
  const sign: Sign = ({ keyId, ...statement }) =>
    signReceipt(statement, keyId === undefined ? undefined : { keyId });
  const CREATED: Settled = {
    status: 'done',
    type: 'user.created',
    userId,
    existed: false,
    accessToken: 'a-token',
    refreshToken: 'r-token',
  };
  const DELETED = { status: 'done', type: 'user.deleted', userId, existed: true, verified: true } as const;
  const statement = {
    version: 1 as const,
    instance: 'default',
    instanceId: instance.id,
    jobId: '7',
    userId,
    requestedAt: '2026-01-02T03:04:05.678Z',
    existed: true,
    verified: true,
  };

  function settlementOf(outcome: Settled = UPDATED, jobId = '7'): Settlement {
    const context = {
      source: '/damoov-users/damoov/user-jobs',
      timestamp: 5000,
      jobId,
      operation: 'update-user',
      instance: 'default',
    };
    const event = eventOf(outcome, { ...context, clientId: 'c-1', attempts: 2, now: 6000 });
    return { outcome, attempts: 2, event };
  }
  const end = (outcome?: Settled, jobId = '7') => endOf(settlementOf(outcome, jobId), jobId, 'p');

  it('is kept for a week, or for a day after the job if that may be asked for again', () => {
    const failure = failed('rejected', 'no');
    expect(end()).toEqual({
      keepOutcome: 7 * DAY_S,
      isKept: false,
      hasFailed: false,
      count: 'update-user:done:',
      tokens: undefined,
    });
    expect(end(UPDATED, keyed)).toMatchObject({ keepOutcome: DAY_S, isKept: true, hasFailed: false });
    expect(end(failure, keyed)).toMatchObject({ keepOutcome: 7 * DAY_S, isKept: false, hasFailed: true });
  });

  it('has the tokens of a new user beside it for an hour, and drops those of a deleted one', () => {
    const key = userTokensKey('p', userId);
    const value = { jobId: '7', accessToken: 'a-token', refreshToken: 'r-token' };
    expect(end(CREATED)).toMatchObject({ tokens: { key, value: JSON.stringify(value), keepSeconds: 3600 } });
    const { accessToken: _none, refreshToken: _neither, ...without } = CREATED;
    for (const one of [{ accessToken: 'a-token' }, { refreshToken: 'r-token' }])
      expect(end({ ...without, ...one })).toMatchObject({
        tokens: { value: JSON.stringify({ jobId: '7', ...one }) },
      });
    expect(end(without)).toMatchObject({ tokens: undefined });
    expect(end(DELETED)).toMatchObject({ tokens: { key } });
    const { userId: _id, ...unnamed } = DELETED;
    expect(end(unnamed)).toMatchObject({ tokens: undefined });
  });

  it('has no token, but for the event that is to be published', () => {
    for (const outcome of [CREATED, { ...CREATED, accessToken: undefined }] as Settled[]) {
      const [text, event] = linesOf(settlementOf(outcome));
      expect(text).not.toContain('token');
      expect(JSON.parse(text)).toMatchObject({ outcome: { userId, existed: false }, attempts: 2, at: 6000 });
      expect(event).toContain('r-token');
    }
  });

  it('is read as it was known when it was settled, with the receipt of a deletion', () => {
    const settlement = { ...settlementOf(DELETED, keyed), statement };
    const link = { sequence: '3', previous: 'f'.repeat(64) };
    const now = settledNow(settlement, keyed, { older: [], user: 'u', ...link }, sign);
    const text = [JSON.stringify({ user: 'u', isKept: true, ...link }), ...linesOf(settlement)].join('\n');
    const before = settledBefore(text, [], sign);
    expect(before).toEqual(JSON.parse(JSON.stringify(now)));
    const receipt = { sequence: 3, previous: link.previous, userId };
    expect(before).toMatchObject({
      user: 'u',
      isKept: true,
      kept: { attempts: 2, at: 6000, outcome: { receipt } },
    });
    expect(before.event).toMatchObject({ data: { receipt } });
    const published = settledBefore(text.replace(/\n[^\n]*$/, '\n'), [], sign);
    expect(published).toMatchObject({ event: undefined, kept: { outcome: { receipt } } });
  });

  it('is not read where its statement is none', () => {
    const [line, event] = linesOf(settlementOf(DELETED));
    for (const none of ['a text', null]) {
      const outcome = JSON.stringify({ ...(JSON.parse(line) as object), statement: none });
      const text = [JSON.stringify({ user: '', sequence: '', previous: '' }), outcome, event].join('\n');
      expect(() => settledBefore(text, [], sign)).toThrow('statement');
    }
  });

  it('has no receipt without a statement, and none in the event of another kind', () => {
    const link = { older: [], user: '', sequence: '', previous: '' };
    const { kept, event } = settledNow(settlementOf(DELETED), '7', link, sign);
    expect([kept.outcome, event?.data]).toEqual([DELETED, expect.not.objectContaining({ receipt: 'any' })]);
    const settlement = { ...settlementOf(failed('rejected', 'no')), statement };
    const refused = settledNow(settlement, '7', { ...link, sequence: '3', previous: 'f'.repeat(64) }, sign);
    expect(refused.event?.data).not.toHaveProperty('receipt');
  });

  it('names the failed jobs that are older than the deletion of their user', () => {
    const link = { user: '', sequence: '', previous: '' };
    const olderOf = (older: string[]) =>
      settledNow(settlementOf(), '7', { ...link, older }, sign).olderFailed;
    expect(olderOf([])).toEqual([]);
    expect(olderOf(['5000 1 7', '4000 0 1', '5000 0 2', '5000 1 8', '6000 0 3', 'no version'])).toEqual([
      '4000 0 1',
      '5000 0 2',
    ]);
    expect(
      settledBefore(
        `{"user":"","sequence":"","previous":""}\n${linesOf(settlementOf()).join('\n')}`,
        ['5000 1 7', '4000 0 1'],
        sign,
      ),
    ).toMatchObject({ isKept: false, olderFailed: ['4000 0 1'] });
  });
});
