import { randomUUID } from 'node:crypto';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { ResultUnknownError } from '../../src/client/job-result.ts';
import { InvalidJobError } from '../../src/client/requests.ts';
import { ResultTimeoutError } from '../../src/client/results.ts';
import type { UserJobs } from '../../src/client/user-jobs.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { createWorld } from '../support/world.ts';
import { createProducerWorld, producerIn } from './producer-world.ts';

describe('a producer', () => {
  it('has a user made, changed and deleted, and is told each result with its type and data', async () => {
    const { world, users } = await createProducerWorld();
    const created = await (
      await users.create({ clientId: 'c-1', profile: { firstName: 'Ada' }, correlationId: 'r-1' })
    ).result();
    expect(created).toMatchObject({ type: 'user.created', data: { clientId: 'c-1', correlationId: 'r-1' } });
    const { userId } = created.data;

    const updated = await (
      await users.update({ clientId: 'c-1', changes: { phone: '+44', firstName: null } })
    ).result();
    expect(updated).toEqual({
      type: 'user.updated',
      data: expect.objectContaining({ userId, changed: expect.arrayContaining(['phone', 'firstName']) }),
    });
    expect((await world.users())[0]).toMatchObject({ deviceToken: userId, phone: '+44' });

    const deletion = await users.delete({ clientId: 'c-1' });
    expect(deletion.is).toBe('scheduled');
    expect(await deletion.result()).toMatchObject({ type: 'user.deleted', data: { userId, existed: true } });
    expect((await world.users())[0]?.deletedAt).not.toBeNull();
  });

  it('suspends the user that it names, and resumes it', async () => {
    const { world, users } = await createProducerWorld({ startsWorker: false });
    const user = { clientId: 'c-1', instance: 'eu' };
    const jobs = [await users.suspend(user), await users.resume(user)];
    const added = await Promise.all(jobs.map(({ id }) => world.jobs.getJob(id)));
    expect(added).toMatchObject([
      { name: 'update-user', data: { ...user, changes: { status: 'deactivated' } } },
      { name: 'update-user', data: { ...user, changes: { status: 'active' } } },
    ]);
  });

  it('is told the same of a job as those who receive its event', async () => {
    const { world, users } = await createProducerWorld();
    const jobs = [
      await users.create({ clientId: 'c-1' }),
      await users.delete({ clientId: 'c-1', userId: randomUUID() }),
      await users.create({ clientId: 'c-2', instance: 'unheard-of' }),
    ];
    const results = await Promise.all(jobs.map((job) => job.result()));
    expect(new Set(results.map(({ type }) => type))).toEqual(new Set(['user.created', 'user.failed']));
    for (const [index, { type, data }] of results.entries()) {
      const event = await world.eventOf(jobs[index]?.id ?? '');
      expect({ type: event.type, data: event.data }).toEqual({ type, data });
    }
  });

  it('adds nothing that no worker would carry out, and names every fault but no value', async () => {
    const { world, users } = await createProducerWorld({ startsWorker: false });
    const wrong = { clientId: '', profile: { fistName: 'Ada', phone: 7 } } as never;
    const adding = users.create(wrong);
    await expect(adding).rejects.toThrow(InvalidJobError);
    await expect(adding).rejects.toThrow(/clientId.*; .*phone.*; .*fistName/);
    await expect(adding).rejects.not.toThrow('Ada');
    await expect(users.update({ changes: { phone: '1' } })).rejects.toThrow('needs clientId or userId');
    await expect(users.update({ clientId: 'c', changes: {} })).rejects.toThrow('must change something');
    await expect(users.delete({})).rejects.toThrow(InvalidJobError);
    await expect(users.delete({ clientId: 'c' }, { in: '3 fortnights' })).rejects.toThrow('in: must be');
    await expect(users.delete({ clientId: 'c' }, { at: 'tomorrow' })).rejects.toThrow('at: must be');
    await expect(users.delete({ clientId: 'c' }, { in: 1, at: new Date() })).rejects.toThrow('only one');
    await expect(users.rescheduleDeletion({ clientId: 'c' }, {})).rejects.toThrow('one of them is needed');
    await expect(users.rescheduleDeletion({ clientId: '' }, { in: 1 })).rejects.toThrow(InvalidJobError);
    await expect(users.cancelDeletion({ clientId: '' })).rejects.toThrow(InvalidJobError);
    await expect(users.create({ occurredAt: new Date(Number.NaN) })).rejects.toThrow('occurredAt');
    await expect(users.create(undefined as never)).rejects.toThrow(InvalidJobError);
    const keys = await world.redis.keys(`${world.prefix}:user-jobs:*`);
    // The world's own queue writes its metadata when it gets round to it.
    expect(keys.filter((key) => !key.endsWith(':meta'))).toEqual([]);
  });

  it('writes its job, and leaves the metadata of the queue to the workers', async () => {
    const world = await createWorld({ startsWorker: false });
    const elsewhere = `{test-${randomUUID()}}`;
    const { id } = await producerIn(world, { prefix: elsewhere }).create({ clientId: 'c-1' });
    const keys = await world.redis.keys(`${elsewhere}:*`);
    onTestFinished(async () => void (await world.redis.unlink(...keys)));
    expect(keys).toContain(`${elsewhere}:user-jobs:${id}`);
    // BullMQ's script adds the length of the stream of events, if it is not there.
    expect(await world.redis.hkeys(`${elsewhere}:user-jobs:meta`)).toEqual(['opts.maxLenEvents']);
  });

  it('counts calls for one user in their order, also within a millisecond', async () => {
    const { world, users } = await createProducerWorld({ startsWorker: false });
    const phones = Array.from({ length: 50 }, (_, n) => `${n}`);
    const jobs = await Promise.all([
      users.create({ clientId: 'c-1' }),
      ...phones.map((phone) => users.update({ clientId: 'c-1', changes: { phone } })),
    ]);
    const stamps = await Promise.all(
      jobs.map(async ({ id }) => (await world.jobs.getJob(id))?.timestamp ?? 0),
    );
    expect(stamps).toEqual([...new Set(stamps)].sort((a, b) => a - b));
    await world.startWorker();
    await Promise.all(jobs.map((job) => job.result()));
    expect((await world.users()).map(({ phone }) => phone)).toEqual(['49']);
  });

  it('is believed that a user came back after a deletion was asked for, also within a millisecond', async () => {
    const { world, users } = await createProducerWorld();
    for (let n = 0; n < 20; n += 1) {
      await users.create({ clientId: `c-${n}` });
      const deletion = await users.delete({ clientId: `c-${n}` }, { in: '1d' });
      await (await users.create({ clientId: `c-${n}`, profile: { firstName: 'Back' } })).result();
      await (await world.jobs.getJob(deletion.id))?.promote();
      expect(await deletion.result()).toMatchObject({ type: 'user.superseded', data: { by: 'create' } });
    }
    expect(await world.requests('delete')).toEqual([]);
  });

  it('is believed so also where the clock ticks while the deletion is on its way', async () => {
    const atMs = Date.now();
    const clock = vi.spyOn(Date, 'now').mockReturnValue(atMs - 1);
    onTestFinished(() => clock.mockRestore());
    const { world, users } = await createProducerWorld({ startsWorker: false });
    const { id: first } = await users.create({ clientId: 'c-1' });
    clock.mockReturnValue(atMs);
    const deleting = users.delete({ clientId: 'c-1' }, { in: '1d' });
    clock.mockReturnValue(atMs + 1);
    const deletion = await deleting;
    const back = await users.create({ clientId: 'c-1' });
    clock.mockRestore();
    expect(deletion.requestedAt.getTime()).toBe(atMs);
    expect((await world.jobs.getJob(back.id))?.timestamp).toBe(atMs + 1);
    await world.startWorker();
    await Promise.all([users.job(first).result(), back.result()]);
    await (await world.jobs.getJob(deletion.id))?.promote();
    expect(await deletion.result()).toMatchObject({ type: 'user.superseded', data: { by: 'create' } });
    expect(await world.requests('delete')).toEqual([]);
  });

  it('defers, moves and cancels a deletion', async () => {
    const { world, users } = await createProducerWorld();
    await (await users.create({ clientId: 'c-1' })).result();
    const first = await users.delete({ clientId: 'c-1' }, { in: '30d' });
    expect(first.is).toBe('scheduled');
    expect(first.dueAt.getTime()).toBeGreaterThan(Date.now() + 29 * 24 * 3_600_000);
    expect(await users.delete({ clientId: 'c-1' }, { in: '1d' })).toMatchObject({
      is: 'exists',
      dueAt: first.dueAt,
    });
    const at = new Date(Date.now() + 3_600_000);
    expect(await users.rescheduleDeletion({ clientId: 'c-1' }, { at })).toMatchObject({
      is: 'moved',
      dueAt: at,
    });
    await expect(first.result({ timeoutMs: 50 })).rejects.toThrow(ResultTimeoutError);
    expect(await users.cancelDeletion({ clientId: 'c-1' })).toBe('cancelled');
    expect(await first.result()).toMatchObject({ type: 'user.superseded', data: { by: 'cancellation' } });
    expect(await users.rescheduleDeletion({ clientId: 'c-1' }, { in: '1d' })).toBe('none');
    expect(await users.cancelDeletion({ clientId: 'c-2' })).toBe('none');
    expect(await world.requests('delete')).toEqual([]);
    expect(await users.delete({ clientId: 'c-1' }, { in: '1d', reschedules: true })).toMatchObject({
      is: 'scheduled',
    });
  });

  it('waits for a result that comes later, and for one that was there before', async () => {
    const { world, users } = await createProducerWorld({ startsWorker: false });
    const job = await users.create({ clientId: 'c-1' });
    const results = [job.result(), users.job(job.id).result()];
    await world.startWorker();
    const [result, again] = await Promise.all(results);
    expect(result).toMatchObject({ type: 'user.created' });
    expect(again).toEqual(result);
    expect(await producerIn(world).job(job.id).result()).toEqual(result);
    await expect(users.job('nobody-knows-it').result()).rejects.toThrow(ResultUnknownError);
    const ended = new AbortController();
    const other = await users.delete({ clientId: 'c-1' }, { in: '1d' });
    const waiting = other.result({ signal: ended.signal });
    ended.abort(new Error('no longer interested'));
    await expect(waiting).rejects.toThrow('no longer interested');
  });
});

describe('an idempotency key', () => {
  it('adds a job once, even if another producer repeats it, and reveals nothing of the key', async () => {
    const { world, users } = await createProducerWorld({ startsWorker: false });
    const add = (from: UserJobs) => from.create({ clientId: 'c-1' }, { idempotencyKey: 'ada@example.com' });
    const [first, again, elsewhere] = [await add(users), await add(users), await add(producerIn(world))];
    expect(new Set([first.id, again.id, elsewhere.id]).size).toBe(1);
    expect(first.id).not.toContain('ada');
    expect(await world.jobs.getWaitingCount()).toBe(1);
    await users.update({ clientId: 'c-1', changes: { phone: '1' } }, { idempotencyKey: 'ada@example.com' });
    expect(await world.jobs.getWaitingCount()).toBe(2);
  });

  it('never makes one job of two requests', async () => {
    const { world, users } = await createProducerWorld({ startsWorker: false });
    const key = { idempotencyKey: '1' };
    await users.create({ clientId: 'c-1', occurredAt: new Date('2026-01-31') }, key);
    await users.create({ occurredAt: new Date(), clientId: 'c-1', correlationId: 'r-2' }, key);
    expect(await world.jobs.getWaitingCount()).toBe(1);
    await users.create({ clientId: 'c-2' }, key);
    await users.create({ clientId: 'c-1', instance: 'eu' }, key);
    expect(await world.jobs.getWaitingCount()).toBe(3);
    for (const idempotencyKey of ['', ' ', null as never, {} as never]) {
      await expect(users.create({ clientId: 'c-3' }, { idempotencyKey })).rejects.toThrow(
        'idempotencyKey: must',
      );
    }
    expect(await world.jobs.getWaitingCount()).toBe(3);
  });

  it('is not needed for one call: a lost answer makes no second job', async () => {
    const world = await createWorld({ startsWorker: false });
    const proxy = await startTcpProxy(world.env['REDIS_URL'] ?? '');
    onTestFinished(() => proxy.close());
    const users = producerIn(world, { redis: proxy.url });
    await users.create({ clientId: 'c-0' });
    const dropped = proxy.dropReplies(3, `${world.prefix}:user-jobs:`);
    const jobs = [];
    for (let n = 1; n <= 6; n += 1) jobs.push(await users.create({ clientId: `c-${n}` }));
    await dropped;
    expect(await world.jobs.getWaitingCount()).toBe(7);
    expect(new Set(jobs.map(({ id }) => id)).size).toBe(6);
  });
});
