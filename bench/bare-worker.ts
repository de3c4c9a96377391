/**
 * The least that somebody would write without this product: a BullMQ worker that calls Damoov and adds an event to a queue. A program
 * of its own, which the benchmark holds ours against; it validates nothing, repeats a create blindly, and keeps no order.
 */
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { type SignUp, createUser } from './damoov.ts';

const { env } = process;
const connection = new Redis(env['REDIS_URL'] ?? '', { maxRetriesPerRequest: null });
const prefix = env['QUEUE_PREFIX'] ?? 'bull';
const access = {
  baseUrl: env['DAMOOV_BASE_URL'] ?? '',
  instanceId: env['DAMOOV_INSTANCE_ID'] ?? '',
  instanceKey: env['DAMOOV_INSTANCE_KEY'] ?? '',
};
const events = new Queue('user-events', { connection, prefix });
events.on('error', () => undefined);

const worker = new Worker<SignUp>(
  'user-jobs',
  async ({ data }) => {
    const userId = await createUser(access, data);
    await events.add('user.created', { userId, clientId: data.clientId });
    return { userId };
  },
  { connection, prefix, concurrency: Number(env['WORKER_CONCURRENCY'] || 50) },
);
worker.on('error', () => undefined);
