import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Job, Queue, RedisQueueBackend } from 'bullmq';
import { Redis } from 'ioredis';
import { expect, inject, it, onTestFinished, vi } from 'vitest';
import { QUEUE_FUNCTIONS } from '../../src/redis/queue-functions.ts';

type FunctionName = keyof typeof QUEUE_FUNCTIONS;

const MOVE_TO_DELAYED_KEYS = 11;

/** What has BullMQ call the script itself. */
const CALLS: Record<FunctionName, (backend: RedisQueueBackend, job: Job, queue: Queue) => Promise<unknown>> =
  {
    addDelayedJob: async (_backend, _job, queue) => queue.add('create-user', {}, { delay: 1000 }),
    addPrioritizedJob: async (_backend, _job, queue) => queue.add('create-user', {}, { priority: 1 }),
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
  // settle.lua counts the arguments of these.
  if (name === 'addStandardJob' || name === 'addPrioritizedJob') expect(all.slice(count)).toHaveLength(3);
  if (name === 'moveToFinished') expect(all.slice(count)).toHaveLength(9);
  const used = [...body.matchAll(/\bKEYS\[(\d+)\]/g)].map(([, place]) => Number(place));
  expect(Math.max(...used)).toBeLessThanOrEqual(count);
});

it('a job is parked with the arguments that BullMQ would give', async () => {
  const { redis, queue } = openQueue();
  const parked = await readFile('src/redis/parked.lua', 'utf8');
  const script = `
    local told
    local function moveToDelayed(base, args) told = args return 0 end
    ${parked}
    park(KEYS[1], '7', 'token', ARGV[1], 1000)
    return told`;
  onTestFinished(async () => void (await redis.del(queue.toKey('7'))));
  const all = queue.getBackend().moveToDelayedArgs('7', 1, 'token', 1000, { skipAttempt: true });
  const args = all.slice(MOVE_TO_DELAYED_KEYS).map((argument) => String(argument ?? ''));
  expect(await redis.eval(script, 1, queue.toKey(''), 1)).toEqual(args);
});

function openQueue() {
  const redis = new Redis(inject('redisUrl'), { maxRetriesPerRequest: null });
  onTestFinished(() => redis.disconnect());
  const queue = new Queue('user-jobs', { connection: redis, prefix: `{test-${randomUUID()}}` });
  onTestFinished(() => queue.close());
  return { redis, queue };
}
