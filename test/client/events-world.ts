/**
 * An events queue of its own, to which anything can be added, and those who listen to it. Everything ends with the test.
 */
import { randomUUID } from 'node:crypto';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { inject, onTestFinished } from 'vitest';
import type { UserEvent } from '../../src/contract/event.ts';
import { type EventHandler, UserEvents, type UserEventsOptions } from '../../src/client/user-events.ts';

export function createEventsWorld() {
  const prefix = `{test-${randomUUID()}}`;
  const redis = new Redis(inject('redisUrl'), { maxRetriesPerRequest: null });
  const queue = new Queue('user-events', { connection: redis, prefix });
  onTestFinished(async () => {
    await queue.obliterate({ force: true });
    await queue.close();
    redis.disconnect();
  });
  const eventOf = (jobId: string): UserEvent => ({
    specversion: '1.0',
    id: `${jobId}/1795878932453/user.updated`,
    source: '/damoov-users/damoov/user-jobs',
    type: 'user.updated',
    time: new Date().toISOString(),
    datacontenttype: 'application/json',
    data: { userId: randomUUID(), instance: 'default', jobId, changed: ['phone'] },
  });
  return {
    prefix,
    redis,
    queue,
    publish: (event: UserEvent) => queue.add(event.type, event),
    eventOf,
    /** A user of this Redis that may do so much, and its URL. */
    async createUser(...rules: string[]) {
      const name = `user-${randomUUID()}`;
      await redis.call('ACL', 'SETUSER', name, 'on', '>secret', ...rules);
      onTestFinished(async () => void (await redis.call('ACL', 'DELUSER', name)));
      const url = new URL(inject('redisUrl'));
      Object.assign(url, { username: name, password: 'secret' });
      return { name, url: url.href };
    },
    listen(handler: EventHandler, options: Partial<UserEventsOptions> = {}) {
      const events = new UserEvents({ redis: inject('redisUrl'), prefix, ...options }, handler);
      onTestFinished(() => events.close({ graceMs: 0 }));
      return events;
    },
  };
}
