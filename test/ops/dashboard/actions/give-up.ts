/**
 * A subscriber that gives up every event.
 */
import { type Queue, UnrecoverableError, Worker } from 'bullmq';
import { expect, inject } from 'vitest';
import { connect } from './operator-world.ts';

/** Until so many are dead letters. */
export async function giveUp({ prefix }: { prefix: string }, events: Queue, count: number): Promise<void> {
  const subscriber = new Worker(
    events.name,
    async () => {
      throw new UnrecoverableError('TypeError');
    },
    { connection: connect(inject('redisUrl')), prefix },
  );
  await expect.poll(() => events.getFailedCount()).toBe(count);
  await subscriber.close();
}
