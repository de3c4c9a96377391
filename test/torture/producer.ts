/**
 * Adds the load as a producer would who does not give up: through the outages, and never further ahead of the workers
 * than a window.
 */
import { Queue } from 'bullmq';
import { type RedisConnection, type RedisTarget, connectRedis } from '../../src/redis/connection.ts';
import { dataOf } from '../model/history.ts';
import type { LoadJob } from './load.ts';

const BATCH = 20;
/** How many jobs may be unsettled: far more than a job strays from its place. */
const WINDOW = 600;

export interface Producer {
  /** Resolves once all jobs are added. */
  addAll(load: readonly LoadJob[], settled: (count: number) => Promise<void>): Promise<void>;
  /** How many jobs are neither completed nor failed, by state. */
  leftOver(): Promise<Record<string, number>>;
  /** Has all jobs that are delayed be due at once. */
  hurry(): Promise<unknown>;
  /** What the queue says of a job. */
  stateOf(jobId: string): Promise<string>;
  close(): void;
}

/** @param redis for adding jobs through what loses replies, for questions straight. */
export function startProducer(
  redis: { forJobs: RedisTarget; forQuestions: RedisTarget },
  prefix: string,
): Producer {
  const open = (connection: RedisConnection) => {
    const queue = new Queue('user-jobs', { connection, prefix });
    queue.on('error', () => undefined);
    return queue;
  };
  const connections = [connectRedis(redis.forJobs), connectRedis(redis.forQuestions)] as const;
  const jobs = open(connections[0]);
  const questions = open(connections[1]);

  return {
    async addAll(load, settled) {
      for (let first = 0; first < load.length; first += BATCH) {
        await settled(first - WINDOW);
        const batch = load.slice(first, first + BATCH);
        await Promise.all(batch.map((job) => jobs.add(job.name, dataOf(job), { jobId: job.id })));
      }
    },
    leftOver: () => questions.getJobCounts('waiting', 'active', 'delayed', 'prioritized'),
    hurry: () => questions.promoteJobs(),
    stateOf: async (jobId) => questions.getJobState(jobId),
    close() {
      for (const connection of connections) connection.disconnect();
    },
  };
}
