import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type Added, type RowJob, createAddedAt, createImports } from '../../src/bullmq/imports.ts';
import type { Place } from '../../src/store/imports/import-states.ts';
import { createWorld } from '../support/world.ts';

const START: Place = { line: 0, added: 0, skipped: 0 };

const rowsOf = (from: number, to: number): RowJob[] =>
  Array.from({ length: to - from + 1 }, (_, index) => ({
    place: { line: from + index, added: from + index, skipped: 0 },
    data: { clientId: `c-${from + index}` },
  }));
const endOf = (rows: RowJob[]): Place => rows.at(-1)?.place ?? START;

async function createGround(maxWaiting = 100) {
  const { jobs, prefix, redis } = await createWorld({ startsWorker: false });
  const imports = createImports({
    jobs,
    prefix,
    connection: redis,
    instances: ['default'],
    soonMs: 600_000,
    maxWaiting,
  });
  const begin = (run = randomUUID(), isAgain = false) =>
    imports.begin('some', { run, isAgain, begunAt: Date.now(), asOf: 0 });
  return { jobs, prefix, redis, begin, waiting: () => jobs.getPrioritizedCount() };
}

const placeOf = (answer: Added) => (answer.is === 'over' ? undefined : answer.place);

describe('the rows of an import', () => {
  it('are added once, however often they are asked for', async () => {
    const { begin, waiting } = await createGround();
    const run = await begin();
    const rows = rowsOf(1, 10);
    expect(await run.add(START, rows, endOf(rows))).toMatchObject({ is: 'added', place: { line: 10 } });
    expect(await run.add(START, rows, endOf(rows))).toMatchObject({ is: 'moved', place: { line: 10 } });
    expect((await begin()).place).toEqual({ line: 10, added: 10, skipped: 0 });
    expect(await waiting()).toBe(10);
  });

  it('are added again after a crash before the mark moved, and come to no second job', async () => {
    const { begin, waiting, jobs, redis, prefix } = await createGround();
    const rows = rowsOf(1, 10);
    await (await begin()).add(START, rows, endOf(rows));
    const before = await jobs.getPrioritized();
    await redis.hset(`${prefix}:import:some`, { place: '0 0 0' });
    const run = await begin();
    expect(await run.add(START, rows, endOf(rows))).toMatchObject({ is: 'added', place: { line: 10 } });
    expect(await waiting()).toBe(10);
    // A job that is no longer stored is added again as the same job.
    await jobs.remove('import-some-00000003');
    await redis.hset(`${prefix}:import:some`, { place: '0 0 0' });
    await (await begin()).add(START, rows, endOf(rows));
    const after = await jobs.getJob('import-some-00000003');
    const { name, data, timestamp, priority } = before[2] ?? {};
    expect(after).toMatchObject({ name, data, timestamp, priority });
    expect(await waiting()).toBe(10);
  });

  it('are counted as waiting from when they were added, for a day', async () => {
    const { begin, redis, prefix } = await createGround();
    const run = await begin();
    await redis.hset(`${prefix}:import:some`, 'begunAt', 0);
    const addedAt = createAddedAt(redis, prefix);
    const rows = rowsOf(1, 10);
    const [before] = await redis.time();
    await run.add(START, rows, endOf(rows));
    const [after] = await redis.time();
    for (const jobId of ['import-some-00000001', 'import-some-2-00000010']) {
      const seconds = ((await addedAt(jobId)) ?? 0) / 1000;
      expect(seconds).toBeGreaterThanOrEqual(Number(before));
      expect(seconds).toBeLessThanOrEqual(Number(after));
    }
    expect(await addedAt('import-some-00000011')).toBeUndefined();
    expect(await addedAt('import-other-00000001')).toBeUndefined();
    expect(await addedAt('of-somebody-else')).toBeUndefined();
    expect(await redis.ttl(`${prefix}:import:some:added`)).toBeLessThanOrEqual(86_400);
    expect(await redis.ttl(`${prefix}:import:some:added`)).toBeGreaterThan(0);
  });

  it('that are all skipped move it on', async () => {
    const { begin, waiting } = await createGround();
    const to = { line: 9, added: 0, skipped: 9 };
    expect(await (await begin()).add(START, [], to)).toEqual({ is: 'added', place: to, waiting: 0 });
    expect(await waiting()).toBe(0);
  });

  it('are added as far as there is room', async () => {
    const { begin, waiting, redis, jobs } = await createGround(10);
    const run = await begin();
    const rows = rowsOf(1, 15);
    const to = { line: 20, added: 15, skipped: 5 };
    expect(await run.add(START, rows, to)).toEqual({ is: 'added', place: rows[9]?.place, waiting: 10 });
    await redis.zremrangebyrank(jobs.toKey('prioritized'), 4, -1);
    const rest = rows.slice(10);
    expect(await run.add(endOf(rows.slice(0, 10)), rest, to)).toMatchObject({ place: to });
    expect(await waiting()).toBe(9);
  });

  it('are no longer added by a run that another has taken over', async () => {
    const { begin, waiting } = await createGround();
    const first = await begin();
    await begin();
    const rows = rowsOf(1, 3);
    expect(await first.add(START, rows, endOf(rows))).toEqual({ is: 'over', isLost: false });
    expect(await first.complete(START)).toEqual({ is: 'over', isLost: false });
    expect(await waiting()).toBe(0);
  });

  it('are told to be behind, or lost, where Redis has lost them', async () => {
    const { begin, redis, prefix } = await createGround();
    const run = await begin();
    const rows = rowsOf(1, 10);
    await run.add(START, rows, endOf(rows));
    await redis.hset(`${prefix}:import:some`, { place: '4 4 0' });
    const more = rowsOf(11, 12);
    expect(placeOf(await run.add(endOf(rows), more, endOf(more)))).toMatchObject({ line: 4 });
    expect(await run.complete(endOf(rows))).toMatchObject({ is: 'moved', place: { line: 4 } });
    await redis.del(`${prefix}:import:some`);
    expect(await run.add(endOf(rows), more, endOf(more))).toEqual({ is: 'over', isLost: true });
  });
});

describe('what counts as waiting', () => {
  const room = 10;
  const addedNow = async (ground: Awaited<ReturnType<typeof createGround>>) => {
    const rows = rowsOf(1, room);
    return placeOf(await (await ground.begin()).add(START, rows, endOf(rows)))?.added;
  };

  it('is what is ready, active, about to be tried again, or held by an outage or a refused key', async () => {
    const ground = await createGround(room);
    const { redis, jobs, prefix } = ground;
    await jobs.add('update-user', { clientId: 'a', changes: { phone: '1' } });
    await jobs.add('update-user', { clientId: 'b', changes: { phone: '1' } }, { priority: 2 });
    await jobs.add('update-user', { clientId: 'c', changes: { phone: '1' } }, { delay: 60_000 });
    await redis.lpush(jobs.toKey('active'), 'x');
    await redis.zadd(`${prefix}:circuit:damoov:held`, 1, 'y');
    await redis.zadd(`${prefix}:circuit:instance-key:default:held`, 1, 'z');
    expect(await addedNow(ground)).toBe(room - 6);
  });

  it('is no deletion that is deferred', async () => {
    const ground = await createGround(room);
    for (let day = 1; day <= 20; day += 1) {
      await ground.jobs.add('delete-user', { clientId: `d-${day}` }, { delay: day * 86_400_000 });
    }
    expect(await addedNow(ground)).toBe(room);
  });
});

describe('an import that is complete', () => {
  it('is begun again only where that is asked for, with jobs of their own', async () => {
    const { begin, waiting } = await createGround();
    const rows = rowsOf(1, 3);
    const run = await begin();
    await run.add(START, rows, endOf(rows));
    expect(await run.complete(endOf(rows))).toEqual({ is: 'complete' });
    expect((await begin()).completeSince).toBeTypeOf('number');
    const again = await begin(randomUUID(), true);
    expect(again).toMatchObject({ place: START, completeSince: undefined });
    await again.add(START, rows, endOf(rows));
    expect(await waiting()).toBe(6);
  });
});

describe('the ends of jobs', () => {
  it('are told as far as there are any, and of jobs that are gone', async () => {
    const { begin, redis, jobs } = await createGround();
    const run = await begin();
    const rows = rowsOf(1, 4);
    await run.add(START, rows, endOf(rows));
    const keyOf = (line: number) => jobs.toKey(`import-some-0000000${line}`);
    await redis.hset(keyOf(1), { finishedOn: 1, returnvalue: '{"userId":"u"}' });
    await redis.hset(keyOf(2), { finishedOn: 1, failedReason: 'rejected: x' });
    await redis.hset(keyOf(3), { failedReason: 'retries: of an attempt' });
    await redis.del(keyOf(4));
    expect(await run.endsOf([1, 2, 3, 4])).toEqual({
      is: 'ends',
      ends: new Map<number, object>([
        [1, { is: 'done', value: '{"userId":"u"}' }],
        [2, { is: 'failed', reason: 'rejected: x' }],
        [4, { is: 'gone' }],
      ]),
    });
    const { timestamp } = (await jobs.getJob('import-some-00000001')) ?? {};
    await run.addAgain(4, { clientId: 'c-4' });
    const data = { clientId: 'c-4', occurredAt: '1970-01-01T00:00:00.000Z' };
    expect(await jobs.getJob('import-some-00000004')).toMatchObject({ timestamp, data });
  });
});
