import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { UserJobs, type UserJobsOptions } from '../../src/client/user-jobs.ts';
import { recordTelemetry } from '../support/recorded-telemetry.ts';
import { createWorld } from '../support/world.ts';

/** A producer with telemetry, and its queue. */
async function createTracedProducer(options: Partial<UserJobsOptions> = {}) {
  const { prefix, jobs } = await createWorld({ startsWorker: false });
  const { told, telemetry } = recordTelemetry();
  const users = new UserJobs({ redis: inject('redisUrl'), prefix, telemetry, ...options });
  onTestFinished(() => users.close());
  const traceOf = async (id: string) => (await jobs.getJob(id))?.opts.telemetry?.metadata;
  return { users, told, traceOf };
}

describe('the span of a call', () => {
  it('is that of the job that it adds', async () => {
    const { users, told, traceOf } = await createTracedProducer();
    const { id } = await users.create({ clientId: 'c-1' });
    expect(await traceOf(id)).toBe('{"traceparent":"active>add user-jobs.create-user"}');
    expect([told[0], told.at(-1)]).toEqual(['add user-jobs.create-user', 'end']);
  });

  it('is that of the deletion that it adds, and says no more than which job it is', async () => {
    const { users, told, traceOf } = await createTracedProducer();
    const { id } = await users.delete({ clientId: 'c-1', reason: 'ada@example.com' });
    expect(await traceOf(id)).toBe('{"traceparent":"active>add user-jobs.delete-user"}');
    expect(told).toEqual([
      'add user-jobs.delete-user',
      { 'bullmq.queue.name': 'user-jobs', 'bullmq.job.name': 'delete-user' },
      'end',
    ]);
  });

  it('says by what a deletion failed', async () => {
    const { users, told } = await createTracedProducer();
    await users.close();
    await expect(users.delete({ clientId: 'c-1' })).rejects.toThrow('this UserJobs is closed');
    expect(told.slice(-2)).toEqual([{ name: 'ClosedError', message: '' }, 'end']);
  });
});
