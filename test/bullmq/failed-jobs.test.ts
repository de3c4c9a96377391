import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type FailedJob, createFailedJobs } from '../../src/bullmq/failed-jobs.ts';
import { makeFailedJobs } from '../support/failed-jobs.ts';
import { createWorld } from '../support/world.ts';
import { createUserStateWorld } from '../store/users/user-state-world.ts';

async function createFailedWorld() {
  const world = await createUserStateWorld();
  const { jobs, prefix, redis } = world;
  const failed = createFailedJobs({ prefix, jobs, connection: redis, instances: new Set(['default', 'eu']) });
  const readAll = async (span: Parameters<typeof failed.read>[0]) => {
    const jobs: FailedJob[] = [];
    for await (const page of failed.read(span)) jobs.push(...page);
    return jobs;
  };
  const all = () => readAll({ upTo: Number.MAX_SAFE_INTEGER });
  const key = (name: string) => `${prefix}:user-jobs:${name}`;
  return {
    ...world,
    failed,
    all,
    readAll,
    key,
    make: (what: Parameters<typeof makeFailedJobs>[2]) => makeFailedJobs(redis, prefix, what),
    failAnew: (jobId: string, at: number) =>
      redis.multi().zadd(key('failed'), at, jobId).hset(key(jobId), 'finishedOn', at).exec(),
    /** A job that a worker of ours has failed and settled. */
    async fail(jobId = 'of-ours'): Promise<FailedJob> {
      const job = await world.start('create-user', { jobId });
      const user = await world.take(job, { clientId: `c-${randomUUID()}` });
      const outcome = { status: 'failed', code: 'rejected', message: 'create: status 422' } as const;
      await user.settle(world.settlementOf(job, outcome), { record: user.record });
      await job.moveToFailed(new Error('rejected: create: status 422'), job.token ?? '', false);
      const found = (await all()).find(({ jobId }) => jobId === job.id);
      if (found === undefined) throw new Error('the job is not in the failed set');
      return found;
    },
  };
}

const idsOf = (jobs: readonly FailedJob[]) => jobs.map(({ jobId }) => jobId);

describe('reading failed jobs', () => {
  it('returns all of them, oldest first, over many pages, even if thousands failed in the same millisecond', async () => {
    const world = await createFailedWorld();
    await world.make({ count: 1500, idStart: 'same', failedAt: 5000, stepMs: 0 });
    await world.make({ count: 300, idStart: 'before', failedAt: 1000 });
    await world.make({ count: 300, idStart: 'after', failedAt: 6000 });
    expect(idsOf(await world.all())).toEqual(await world.redis.zrange(world.key('failed'), '0', '-1'));
  });

  it.each(['retry', 'drop'] as const)(
    'returns none twice and omits none while other clients %s the jobs',
    async (act) => {
      const world = await createFailedWorld();
      await world.make({ count: 450, idStart: 'same', failedAt: 5000, stepMs: 0 });
      await world.make({ count: 150, failedAt: 5000, stepMs: 3 });
      const before = await world.redis.zrange(world.key('failed'), '0', '-1');
      const told: string[] = [];
      for await (const page of world.failed.read({ upTo: 1e12 })) {
        told.push(...idsOf(page));
        // Every second one goes, the one that the next page is looked for behind among them.
        const going = page.toReversed().filter((_, index) => index % 2 === 0);
        expect(await world.failed[act](going)).toBe(going.length);
      }
      expect(told).toEqual(before);
    },
  );

  it('keeps to its time, so that a job that fails anew meanwhile is not told again', async () => {
    const world = await createFailedWorld();
    await world.make({ count: 600, failedAt: 1000 });
    const upTo = await world.failed.newest();
    const told: string[] = [];
    for await (const page of world.failed.read({ upTo: upTo ?? 0 })) {
      for (const jobId of idsOf(page)) {
        told.push(jobId);
        await world.failAnew(jobId, 2000 + told.length);
      }
    }
    expect(upTo).toBe(1599);
    expect(told).toHaveLength(600);
    expect(idsOf(await world.readAll({ since: 2001, upTo: 2003 }))).toEqual(told.slice(0, 3));
  });

  it('knows when the last one failed that says so', async () => {
    const world = await createFailedWorld();
    expect(await world.failed.newest()).toBeUndefined();
    await world.redis.zadd(world.key('failed'), 9000, 'ghost');
    expect(await world.failed.newest()).toBeUndefined();
    await world.make({ count: 2, failedAt: 1000 });
    expect(await world.failed.newest()).toBe(1001);
    expect(idsOf(await world.readAll({ since: 1001, upTo: 1001 }))).toEqual(['job-2']);
    expect(idsOf(await world.readAll({ since: 0, upTo: 1000 }))).toEqual(['job-1', 'ghost']);
  });

  it('ends also where an id is not even text', async () => {
    const world = await createFailedWorld();
    for (const byte of [0x80, 0xc3, 0xff]) {
      await world.redis.zadd(world.key('failed'), 5000, Buffer.from([0x61, byte]));
    }
    await world.make({ count: 1, failedAt: 6000 });
    // The client writes the same for all of them.
    expect(idsOf(await world.all())).toEqual(['a\uFFFD', 'job-1']);
  });

  it('reports the operation, instance, code, message, attempts and times of a job', async () => {
    const world = await createFailedWorld();
    await world.make({
      count: 1,
      name: 'update-user',
      data: { instance: 'eu' },
      attempts: 3,
      failedAt: 7000,
    });
    expect(await world.all()).toEqual([
      {
        jobId: 'job-1',
        operation: 'update-user',
        instance: 'eu',
        code: 'retries-exhausted',
        message: 'create: status 503',
        attempts: 3,
        failedAt: 7000,
        addedAt: 1_700_000_000_000,
      },
    ]);
    expect(await world.fail()).toMatchObject({ code: 'rejected', attempts: 1, operation: 'create-user' });
  });

  it.each([
    ['default', 'absent', {}],
    ['unknown', 'a name that nobody configured', { instance: 'ada@example.com' }],
    ['unknown', 'no text', { instance: { ada: 1 } }],
    ['unknown', 'in data that is no object', [{ instance: 'eu' }]],
    ['unknown', 'in data that is not JSON', '{"instance": "eu"'],
    ['unknown', 'in data beyond the largest allowed', { instance: 'eu', reason: 'x'.repeat(70_000) }],
  ])('calls the instance %s where it is %s', async (instance, _where, data) => {
    const world = await createFailedWorld();
    await world.make({ count: 1, data });
    expect(await world.all()).toMatchObject([{ instance }]);
  });

  it.each([
    'job stalled more than allowable limit',
    'Error: ada@example.com',
    'rejected',
    'invalid-job:ada',
    '',
  ])('takes no text from a reason that is not of ours: %j', async (reason) => {
    const world = await createFailedWorld();
    await world.make({ count: 1, reason });
    expect(await world.all()).toMatchObject([{ code: 'unknown', message: '' }]);
  });

  it('reports a job of an unknown name, and one of which only the id is left, as unknown', async () => {
    const world = await createFailedWorld();
    await world.make({ count: 1, name: 'ada@example.com', failedAt: 1000 });
    await world.redis.zadd(world.key('failed'), 2000, 'ghost');
    expect(await world.all()).toMatchObject([
      { operation: 'unknown' },
      {
        jobId: 'ghost',
        operation: 'unknown',
        instance: 'unknown',
        code: 'unknown',
        attempts: 0,
        failedAt: NaN,
      },
    ]);
  });
});

describe('retrying failed jobs', () => {
  it('puts them back to the end of the line with fresh attempts, the same id, time and data', async () => {
    const world = await createFailedWorld();
    const { jobId } = await world.fail();
    const before = await world.redis.hgetall(world.key(jobId));
    const waiting = await world.add();
    expect(await world.failed.retry(await world.all())).toBe(1);
    const after = await world.redis.hgetall(world.key(jobId));
    for (const name of ['data', 'name', 'timestamp', 'opts'])
      expect([name, after[name]]).toEqual([name, before[name]]);
    for (const name of ['atm', 'ats', 'failedReason', 'finishedOn']) {
      expect(before).toHaveProperty(name);
      expect(after).not.toHaveProperty(name);
    }
    expect(await world.redis.lrange(world.key('wait'), 0, -1)).toEqual([jobId, waiting.id]);
    expect(await world.all()).toEqual([]);
  });

  it('forgets how they ended: a worker that died right after taking one does not fail it for the old reason', async () => {
    const world = await createFailedWorld();
    await world.fail();
    await world.failed.retry(await world.all());
    const job = await world.fetch();
    // It stalled before its worker had begun.
    await world.redis.hset(world.key(job.id ?? ''), 'stc', '1');
    job.stalledCounter = 1;
    expect(await world.begin(job)).toMatchObject({ is: 'locked' });
  });

  it('counts none that is gone or has failed anew, and touches none of these', async () => {
    const world = await createFailedWorld();
    await world.make({ count: 3, failedAt: 1000 });
    const seen = await world.all();
    await (await world.jobs.getJob('job-1'))?.remove();
    await world.failAnew('job-2', 9000);
    await world.redis.set(`${world.prefix}:settled:job-2`, 'anew');
    expect(await world.failed.retry(seen)).toBe(1);
    expect(await world.redis.lrange(world.key('wait'), 0, -1)).toEqual(['job-3']);
    expect(await world.redis.get(`${world.prefix}:settled:job-2`)).toBe('anew');
    expect(await world.failed.retry(seen)).toBe(0);
  });

  it('keeps the priority of a job', async () => {
    const world = await createFailedWorld();
    await world.make({ count: 1 });
    await world.redis.hset(world.key('job-1'), 'priority', '7');
    expect(await world.failed.retry(await world.all())).toBe(1);
    expect(await world.redis.zrange(world.key('prioritized'), '0', '-1')).toEqual(['job-1']);
  });
});

describe('dropping failed jobs', () => {
  it('leaves nothing of them in Redis', async () => {
    const world = await createFailedWorld();
    const { jobId } = await world.fail();
    const job = await world.jobs.getJob(jobId);
    await job?.log('a line');
    const left = async () => (await world.redis.keys(`${world.prefix}*${jobId}*`)).sort();
    expect(await left()).toHaveLength(3);
    expect(await world.failed.drop(await world.all())).toBe(1);
    expect(await left()).toEqual([]);
    expect(await world.redis.exists(world.key('failed'))).toBe(0);
  });

  it('counts none that is gone or has failed anew, and touches none of these', async () => {
    const world = await createFailedWorld();
    await world.make({ count: 3, failedAt: 1000 });
    const seen = await world.all();
    await world.failed.retry(seen.slice(0, 1));
    await world.failAnew('job-2', 9000);
    expect(await world.failed.drop(seen)).toBe(1);
    expect(await world.redis.lrange(world.key('wait'), 0, -1)).toEqual(['job-1']);
    expect(idsOf(await world.all())).toEqual(['job-2']);
  });

  it('rids the set of an id that has no job', async () => {
    const world = await createFailedWorld();
    await world.redis.zadd(world.key('failed'), 2000, 'ghost');
    await world.failed.drop(await world.all());
    expect(await world.all()).toEqual([]);
  });
});

it('the failed jobs that these tests make are laid out as one that BullMQ has failed', async () => {
  const world = await createWorld({ modes: { errorRate: 1 }, env: { JOB_ATTEMPTS: '1' } });
  const real = await world.add('create-user', { clientId: 'c-1' });
  await expect.poll(async () => world.jobs.getFailedCount()).toBe(1);
  await makeFailedJobs(world.redis, world.prefix, { count: 1 });
  const fields = async (jobId: string) =>
    Object.keys(await world.redis.hgetall(`${world.prefix}:user-jobs:${jobId}`)).sort();
  expect((await fields('job-1')).filter((name) => name !== 'pb')).toEqual(
    (await fields(real)).filter((name) => name !== 'pb'),
  );
  expect(await world.redis.zscore(`${world.prefix}:user-jobs:failed`, real)).toMatch(/^\d{13}$/);
});
