import { randomUUID } from 'node:crypto';
import { Job, Queue, RedisQueueBackend } from 'bullmq';
import { Redis } from 'ioredis';
import { expect, inject, it, onTestFinished, vi } from 'vitest';
import { QUEUE_FUNCTIONS } from '../../src/redis/queue-functions.ts';

type FunctionName = keyof typeof QUEUE_FUNCTIONS;

/** What has BullMQ call the script itself. */
const CALLS: Record<FunctionName, (backend: RedisQueueBackend, job: Job, queue: Queue) => Promise<unknown>> =
  {
    addDelayedJob: async (_backend, _job, queue) => queue.add('create-user', {}, { delay: 1000 }),
    addStandardJob: async (_backend, _job, queue) => queue.add('create-user', {}),
    changeDelay: async (backend) => backend.changeDelay('7', 1000),
    moveToDelayed: async (backend) => backend.moveToDelayed('7', 1, 1000, 'token'),
    moveToFinished: async (backend, job) => backend.moveToCompleted(job, {}, true, 'token', true),
    promote: async (backend) => backend.promote('7'),
    removeJob: async (backend) => backend.remove('7', false),
    reprocessJob: async (backend, job) => backend.retryFinishedJob(job, 'failed'),
  };

it.each(Object.keys(CALLS) as FunctionName[])('%s takes the keys that BullMQ gives it', async (name) => {
  const { redis, queue } = openQueue();
  const base = queue.toKey('');
  const backend = queue.getBackend();
  if (!(backend instanceof RedisQueueBackend)) throw new TypeError('no backend of Redis');
  const job = new Job(queue, 'create-user', {}, {}, '7');
  const sent: unknown[][] = [];
  vi.spyOn(backend, 'execCommand').mockImplementation((_client, command: string, args: unknown[]) => {
    if (command === name) sent.push(args);
    return 1;
  });
  await CALLS[name](backend, job, queue);
  const [all = []] = sent;

  const [, head = '', body = ''] = /^(.*\n.*\n)([^]*)$/.exec(QUEUE_FUNCTIONS[name]) ?? [];
  const count = head.split('base ..').length - 1;
  const keys = await redis.eval(
    `${head}return KEYS\nend\nreturn ${name}(KEYS[1], ARGV)`,
    1,
    base,
    ...all.slice(count).map((argument) => (Buffer.isBuffer(argument) ? argument : String(argument))),
  );
  expect(keys).toEqual(all.slice(0, count));
  const used = [...body.matchAll(/\bKEYS\[(\d+)\]/g)].map(([, place]) => Number(place));
  expect(Math.max(...used)).toBeLessThanOrEqual(count);
});

function openQueue() {
  const redis = new Redis(inject('redisUrl'), { maxRetriesPerRequest: null });
  onTestFinished(() => redis.disconnect());
  const queue = new Queue('user-jobs', { connection: redis, prefix: `{test-${randomUUID()}}` });
  onTestFinished(() => queue.close());
  return { redis, queue };
}
