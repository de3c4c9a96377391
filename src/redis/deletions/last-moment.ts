/**
 * The last moment before a DELETE: one step in Redis decides between the worker that would send it and whoever cancels.
 */
import type { Queue } from 'bullmq';
import { z } from 'zod';
import type { DeletionGuard } from '../../worker/deletion-guard.ts';
import { createDeletionNames } from './deletion-names.ts';
import { KEEP_NAME_S } from './deletions.ts';
import { luaBeside, scriptsOf } from '../scripts.ts';

const readLua = luaBeside(import.meta.url);

export interface LastMomentOptions {
  jobs: Queue;
  prefix: string;
  /** How many deletions the fleet sends within an hour without being asked. */
  deletionsPerHour: number;
}

/** Guards the deletions of this queue of jobs. */
export function createLastMoment({ jobs, prefix, deletionsPerHour }: LastMomentOptions): DeletionGuard {
  const script = scriptsOf(jobs, {
    commit: [readLua('deletion'), readLua('commit')].join('\n'),
  });
  const names = createDeletionNames({ jobs, prefix });
  const jobKey = (jobId: string) => jobs.toKey(jobId);
  return {
    async commit({ jobId, token }, instance, ids, kind) {
      const most = kind === 'sends' ? deletionsPerHour : '';
      const reply = await names.call({ ...ids, instance }, ({ saltKey, salt, keys, hashes }) =>
        script('commit')(
          [saltKey, jobKey(jobId), `${jobKey(jobId)}:lock`, `${prefix}:deletions-sent`, ...keys],
          [salt, jobId, token, KEEP_NAME_S, most, ...hashes],
        ),
      );
      return Answer.parse(reply);
    },
  };
}

const Answer = z.enum(['go', 'cancelled', 'returned', 'held', 'lost']);
