import { Queue } from 'bullmq';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { type LookBack, type TailedEvent, openEventTail } from '../../src/bullmq/event-tail.ts';
import { createEventsWorld } from '../client/events-world.ts';

const everything = () => true;
const idsOf = (events: readonly TailedEvent[]) => events.map(({ jobId }) => jobId);
const lastIdsOf = ({ events }: LookBack) => idsOf(events);

/** Adds an event for each of these job ids. */
async function publish(queue: Queue, ...jobIds: string[]): Promise<void> {
  await queue.addBulk(jobIds.map((jobId) => ({ name: 'user.updated', data: { jobId }, opts: { jobId } })));
}

async function openTail(queue: Queue) {
  const tail = await openEventTail(queue, { kind: 'url', url: inject('redisUrl') });
  onTestFinished(() => tail.close());
  return tail;
}

/** A queue with these events, and a tail that is opened on it over a connection of its own. */
async function createTailWorld(...jobIds: string[]) {
  const { queue, redis, prefix } = createEventsWorld();
  await publish(queue, ...jobIds);
  const connection = redis.duplicate();
  onTestFinished(() => connection.disconnect());
  const read = new Queue(queue.name, { connection, prefix, skipMetasUpdate: true });
  return { queue, redis, connection, tail: await openTail(read) };
}

describe('the last events of a queue', () => {
  it('are as many as asked for, the oldest first, each with its type, its job and what it says', async () => {
    const { tail } = await createTailWorld('j-1', 'j-2', 'j-3');
    expect((await tail.last(2, everything)).events).toEqual([
      { jobId: 'j-2', type: 'user.updated', data: '{"jobId":"j-2"}' },
      { jobId: 'j-3', type: 'user.updated', data: '{"jobId":"j-3"}' },
    ]);
    expect(lastIdsOf(await tail.last(9, everything))).toEqual(['j-1', 'j-2', 'j-3']);
  });

  it('are those that are wanted, and the others are not counted', async () => {
    const { tail } = await createTailWorld('j-1', 'k-1', 'j-2', 'k-2', 'j-3', 'k-3');
    expect(lastIdsOf(await tail.last(2, ({ jobId }) => jobId.startsWith('j')))).toEqual(['j-2', 'j-3']);
    expect(lastIdsOf(await tail.last(2, ({ jobId }) => jobId.startsWith('x')))).toEqual([]);
  });

  it('are told with no data where their job is gone', async () => {
    const { queue, tail } = await createTailWorld('j-1', 'j-2');
    await queue.remove('j-1');
    expect((await tail.last(2, everything)).events).toEqual([
      { jobId: 'j-1', type: 'user.updated', data: undefined },
      { jobId: 'j-2', type: 'user.updated', data: '{"jobId":"j-2"}' },
    ]);
  });

  it('are not those that came after the tail was opened', async () => {
    const { queue, tail } = await createTailWorld('j-1');
    await publish(queue, 'j-2');
    expect(lastIdsOf(await tail.last(2, everything))).toEqual(['j-1']);
  });

  it('are found however many notes came after them', async () => {
    const all = Array.from({ length: 600 }, (_, n) => `j-${n}`);
    const { tail } = await createTailWorld(...all);
    expect(lastIdsOf(await tail.last(600, everything))).toEqual(all);
    expect(lastIdsOf(await tail.last(1, ({ jobId }) => jobId === 'j-7'))).toEqual(['j-7']);
  });

  it('are none in a queue without any', async () => {
    const { tail } = await createTailWorld();
    expect(await tail.last(1, everything)).toEqual({ events: [], unknown: 0, older: 0 });
  });

  it('are none if none is asked for, which Redis is not needed for', async () => {
    const { connection, tail } = await createTailWorld('j-1');
    connection.disconnect();
    expect(await tail.last(0, everything)).toEqual({ events: [], unknown: 0, older: 0 });
  });

  it('are counted where nobody can tell whether they are wanted, and where no note is left of them', async () => {
    const { queue, redis } = await createTailWorld();
    await queue.addBulk(Array.from({ length: 5 }, (_, n) => ({ name: 'user.updated', data: { n } })));
    // The notes of the first two: each has one that it was added, and one that it waits.
    const notes = await redis.xrange(queue.toKey('events'), '-', '+', 'COUNT', 4);
    await redis.xdel(queue.toKey('events'), ...notes.map(([id]) => id));
    const tail = await openTail(queue);
    const doubts = ({ jobId }: TailedEvent) => (jobId === '4' ? ('unknown' as const) : jobId === '3');
    expect(await tail.last(9, doubts)).toMatchObject({ events: [{ jobId: '3' }], unknown: 1, older: 2 });
    // It ended before the oldest note.
    expect(await tail.last(1, everything)).toMatchObject({ events: [{ jobId: '5' }], unknown: 0, older: 0 });
  });

  it('are told with no data where their job lies under a key of the queue itself', async () => {
    const { queue, redis } = await createTailWorld();
    await redis.xadd(queue.toKey('events'), '*', 'event', 'added', 'jobId', 'events', 'name', 'user.updated');
    const tail = await openTail(queue);
    expect((await tail.last(1, everything)).events).toMatchObject([{ jobId: 'events', data: undefined }]);
  });
});

describe('the next events of a queue', () => {
  it('are those that came after the tail was opened, each once', async () => {
    const { queue, tail } = await createTailWorld('j-1');
    await publish(queue, 'j-2', 'j-3');
    const next = await tail.next();
    // The notes of one call may come one by one.
    if (next.length === 1) next.push(...(await tail.next()));
    expect(next).toEqual([
      { jobId: 'j-2', type: 'user.updated', data: '{"jobId":"j-2"}' },
      { jobId: 'j-3', type: 'user.updated', data: '{"jobId":"j-3"}' },
    ]);
    await publish(queue, 'j-4');
    expect(idsOf(await tail.next())).toEqual(['j-4']);
  });

  it('begin with the first one of a queue that had none', async () => {
    const { queue, tail } = await createTailWorld();
    await publish(queue, 'j-1');
    expect(idsOf(await tail.next())).toEqual(['j-1']);
  });

  it('are waited for', async () => {
    const { queue, tail } = await createTailWorld('j-1');
    const next = tail.next();
    await publish(queue, 'j-2');
    expect(idsOf(await next)).toEqual(['j-2']);
  });

  it('come again where they could not be read', async () => {
    const { queue, connection, tail } = await createTailWorld('j-1');
    await publish(queue, 'j-2');
    connection.disconnect();
    await expect(tail.next()).rejects.toThrow('Connection is closed');
    await connection.connect();
    expect(idsOf(await tail.next())).toEqual(['j-2']);
  });
});
