/**
 * A worker's BullMQ backend under which a job can complete in the same step in which it is settled: BullMQ has nothing left to ask
 * then, and is given the answer that Redis gave, with the next job. Knows neither what a settlement is nor how it is written.
 */
import { type MinimalJob, type RedisQueueBackend, createRedisBackend, raw2NextJobData } from 'bullmq';
import type { Completion } from '../worker/completion.ts';

export interface CompletingBackend extends RedisQueueBackend {
  /** @param fetchesNext whether the next job is wanted in the same step. */
  completionOf(job: MinimalJob, token: string, fetchesNext: () => boolean): Completion;
  /** Whether the job has completed in this way. */
  hasCompleted(job: MinimalJob): boolean;
}

/** Completed jobs are kept for an hour, for those who wait for a result; the events are what lasts. */
export const KEEP_COMPLETED = { age: 3600, count: 10_000 };

/** How many keys `moveToFinished` takes, and the place of the time among its arguments. */
const KEYS = 14;
const FINISHED_ON = 1;

/** The backend of a worker. */
export const createCompletingBackend = (
  ...options: Parameters<typeof createRedisBackend>
): CompletingBackend => {
  const backend = createRedisBackend(...options);
  const completed = new WeakMap<MinimalJob, Awaited<ReturnType<RedisQueueBackend['moveToCompleted']>>>();
  const moveToCompleted = backend.moveToCompleted.bind(backend);
  return Object.assign(backend, {
    async moveToCompleted(...call: Parameters<RedisQueueBackend['moveToCompleted']>) {
      return completed.get(call[0]) ?? moveToCompleted(...call);
    },
    completionOf(job: MinimalJob, token: string, fetchesNext: () => boolean): Completion {
      let finishedOn = 0;
      return {
        prepare(data) {
          const all = backend.moveToCompletedArgs(
            job,
            JSON.stringify(data),
            KEEP_COMPLETED,
            token,
            fetchesNext(),
          );
          const args = all.slice(KEYS);
          finishedOn = Number(args[FINISHED_ON]);
          return args.map(sendable);
        },
        done(reply) {
          completed.set(job, {
            result: Array.isArray(reply) ? raw2NextJobData(reply) : [],
            finishedOn,
          });
        },
      };
    },
    hasCompleted: (job: MinimalJob) => completed.has(job),
  });
};

/** What BullMQ leaves out the client would send as an empty text. */
function sendable(argument: string | number | boolean | Buffer | undefined): string | number | Buffer {
  return typeof argument === 'boolean' ? Number(argument) : (argument ?? '');
}
