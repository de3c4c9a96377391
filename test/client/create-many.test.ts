import { describe, expect, it, onTestFinished } from 'vitest';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { createWorld } from '../support/world.ts';
import { createProducerWorld, producerIn } from './producer-world.ts';

describe('many sign-ups', () => {
  it('are read on only as the queue takes them, and each becomes one job', async () => {
    const { world, users } = await createProducerWorld({ startsWorker: false });
    let read = 0;
    let added = 0;
    function* rows() {
      for (let n = 0; n < 2000; n += 1) {
        read += 1;
        // One chunk at most is in hand.
        expect(read - added).toBeLessThanOrEqual(100);
        yield { clientId: `c-${n}`, idempotencyKey: `import/${n}` };
      }
    }
    const ids: string[] = [];
    const done = await users.createMany(rows(), {
      chunkSize: 100,
      onChunk: (jobIds, addedSoFar) => {
        ids.push(...jobIds);
        added = addedSoFar;
      },
    });
    expect(done).toEqual({ added: 2000, repeated: 0, invalid: 0 });
    expect(new Set(ids).size).toBe(2000);
    expect(await world.jobs.getPrioritizedCount()).toBe(2000);
    added = 2000;
    read = 0;
    expect(await users.createMany(rows())).toEqual({ added: 0, repeated: 2000, invalid: 0 });
    expect(await world.jobs.getPrioritizedCount()).toBe(2000);
  });

  it('count as added only where the queue gains a job', async () => {
    const { world, users } = await createProducerWorld({ startsWorker: false });
    const keyed = (n: number) => ({ clientId: `c-${n}`, idempotencyKey: `import/${n}` });
    await users.create({ clientId: 'c-1' }, { idempotencyKey: 'import/1' });
    const rows = [keyed(1), keyed(2), keyed(2), { clientId: 'c-3' }, { clientId: 'c-3' }, keyed(2), keyed(4)];
    const told: number[] = [];
    const done = await users.createMany(rows, { chunkSize: 3, onChunk: (_ids, added) => told.push(added) });
    expect([done, told]).toEqual([{ added: 4, repeated: 3, invalid: 0 }, [1, 3, 4]]);
    expect(await world.jobs.getJobCountByTypes('waiting', 'prioritized')).toBe(5);
  });

  it('are counted right also where the answer to a chunk is lost', async () => {
    const world = await createWorld({ startsWorker: false });
    const proxy = await startTcpProxy(world.env['REDIS_URL'] ?? '');
    onTestFinished(() => proxy.close());
    const users = producerIn(world, { redis: proxy.url });
    await users.create({ clientId: 'c-0' });
    // Counts the jobs themselves, not calls about their keys.
    const dropped = proxy.dropReplies(1, 'in-a-job');
    const rows = [1, 2].map((n) => ({ clientId: `in-a-job-${n}`, idempotencyKey: `import/${n}` }));
    const adding = users.createMany(rows);
    await dropped;
    expect(await adding).toEqual({ added: 2, repeated: 0, invalid: 0 });
    expect(await world.jobs.getPrioritizedCount()).toBe(2);
  });

  it('wait while the queue is full', async () => {
    const { world, users } = await createProducerWorld({ startsWorker: false });
    const counts: Promise<number>[] = [];
    const rows = Array.from({ length: 60 }, (_, n) => ({ clientId: `c-${n}` }));
    const adding = users.createMany(rows, {
      chunkSize: 10,
      maxWaiting: 20,
      onChunk: () => counts.push(world.jobs.getJobCountByTypes('prioritized', 'active')),
    });
    await expect.poll(() => world.jobs.getPrioritizedCount()).toBe(20);
    await world.startWorker();
    expect(await adding).toEqual({ added: 60, repeated: 0, invalid: 0 });
    // A chunk came only where fewer than 20 were left.
    for (const count of await Promise.all(counts)) expect(count).toBeLessThan(20 + 10);
  });

  it('that are invalid end the call before their chunk is added, or are told and skipped', async () => {
    const { world, users } = await createProducerWorld({ startsWorker: false });
    const rows = [{ clientId: 'c-0' }, { clientId: 'c-1' }, { clientId: '' }, { clientId: 'c-3' }];
    await expect(users.createMany(rows, { chunkSize: 2 })).rejects.toMatchObject({
      name: 'InvalidJobError',
      index: 2,
      // As people count; the index is that of an array.
      message: expect.stringContaining('row 3: clientId'),
    });
    expect(await world.jobs.getPrioritizedCount()).toBe(2);
    const told: (number | undefined)[] = [];
    const cyclic: Record<string, unknown> = { clientId: 'c-5' };
    cyclic['profile'] = cyclic;
    const worse = [...rows, null as never, cyclic as never, { clientId: 'c-6', idempotencyKey: '' }];
    expect(await users.createMany(worse, { onInvalid: ({ index }) => told.push(index) })).toEqual({
      added: 3,
      repeated: 0,
      invalid: 4,
    });
    expect(told).toEqual([2, 4, 5, 6]);
    const rejecting = users.createMany(rows, { onInvalid: () => Promise.reject(new Error('told')) });
    await expect(rejecting).rejects.toThrow('told');
  });

  it.each([
    [[1, 10_000], 'taken'],
    [[0, 1.5, 10_001, Number.NaN], 'refused'],
  ])('in chunks of %j are %s', async (sizes, what) => {
    const { users } = await createProducerWorld({ startsWorker: false });
    for (const chunkSize of sizes) {
      const done = await users.createMany([], { chunkSize }).catch(({ message }: Error) => message);
      expect(done).toEqual(
        what === 'taken'
          ? { added: 0, repeated: 0, invalid: 0 }
          : 'chunkSize: must be a whole number from 1 to 10000',
      );
    }
  });

  it('are told chunk by chunk, and none of it is empty', async () => {
    const { users } = await createProducerWorld({ startsWorker: false });
    const told: number[] = [];
    const rows = [{ clientId: 'c-1' }, { clientId: 'c-2' }];
    await users.createMany(rows, { chunkSize: 1, onChunk: (ids) => told.push(ids.length) });
    expect(told).toEqual([1, 1]);
  });

  it('stop also while they wait for room', async () => {
    const { world, users } = await createProducerWorld({ startsWorker: false });
    const stop = new AbortController();
    const rows = [{ clientId: 'c-1' }, { clientId: 'c-2' }];
    const adding = users.createMany(rows, { chunkSize: 1, maxWaiting: 1, signal: stop.signal });
    await expect.poll(() => world.jobs.getPrioritizedCount()).toBe(1);
    stop.abort(new Error('enough'));
    await expect(adding).rejects.toThrow('enough');
    expect(await world.jobs.getPrioritizedCount()).toBe(1);
  });

  it('stop also among rows that are all invalid, and let others go on meanwhile', async () => {
    const { users } = await createProducerWorld({ startsWorker: false });
    const stop = new AbortController();
    setTimeout(() => stop.abort(new Error('enough')), 1);
    function* rows() {
      for (;;) yield { clientId: 7 };
    }
    const adding = users.createMany(rows() as never, { onInvalid: () => {}, signal: stop.signal });
    await expect(adding).rejects.toThrow('enough');
  });

  it('stop between two chunks when they are told to', async () => {
    const { world, users } = await createProducerWorld({ startsWorker: false });
    const stop = new AbortController();
    const rows = Array.from({ length: 30 }, (_, n) => ({ clientId: `c-${n}` }));
    const adding = users.createMany(rows, {
      chunkSize: 10,
      signal: stop.signal,
      onChunk: () => stop.abort(new Error('enough')),
    });
    await expect(adding).rejects.toThrow('enough');
    expect(await world.jobs.getPrioritizedCount()).toBe(10);
  });
});
