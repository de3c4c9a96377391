/**
 * The failed set as a dead-letter queue: reads its jobs a page at a time, puts them back, removes them. What it tells of a
 * job is from closed lists, and the message of our own; the job's data never leaves Redis.
 */
import type { Queue } from 'bullmq';
import { z } from 'zod';
import { MAX_JOB_BYTES, type JobName, isJobName } from '../../contract/job.ts';
import { type FailureCode, failureIn } from '../../contract/outcome.ts';
import { QUEUE_FUNCTIONS } from '../queue-functions.ts';
import { scoreOf } from '../score.ts';
import { type Script, luaBeside, scriptsOf } from '../scripts.ts';

const readLua = luaBeside(import.meta.url);

/** Stands for what is none of the known names: anybody may add a job, and any name may be a person's. */
export const UNKNOWN = 'unknown';

export interface FailedJob {
  jobId: string;
  operation: JobName | typeof UNKNOWN;
  /** The name of a configured instance, or `unknown`, also where the data cannot be read. */
  instance: string;
  /** `unknown` where the job was not failed by a worker of ours. */
  code: FailureCode | typeof UNKNOWN;
  /** Empty where the code is unknown: nobody knows what a foreign reason quotes. */
  message: string;
  /** How often the job was tried. */
  attempts: number;
  /** Epoch milliseconds. */
  failedAt: number;
  /** Epoch milliseconds; undefined where the job does not say. */
  addedAt: number | undefined;
}

/** A job as it was seen to fail: one that has failed anew since then is another case. */
export type SeenFailure = Pick<FailedJob, 'jobId' | 'failedAt'>;

export interface FailedJobs {
  /** When the last of them failed, in epoch milliseconds; undefined where none did. */
  newest(): Promise<number | undefined>;
  /**
   * The jobs that failed within these times, in epoch milliseconds, both included; oldest first, up to 200 at a time. Jobs
   * may be retried and dropped meanwhile: none is told twice, and none that stays is left out.
   */
  read(span: { since?: number; upTo: number }): AsyncIterable<FailedJob[]>;
  /**
   * Puts jobs back to the end of the line, with fresh attempts and the version they had.
   * @returns how many; the others are gone meanwhile: somebody else retried or removed them.
   */
  retry(jobs: readonly SeenFailure[]): Promise<number>;
  /**
   * Removes jobs, and what is known of how they ended.
   * @returns how many; the others are gone meanwhile.
   */
  drop(jobs: readonly SeenFailure[]): Promise<number>;
}

export interface FailedJobsOptions {
  prefix: string;
  /** The queue of the jobs; its connection is used. */
  jobs: Queue;
  /** The names of the configured instances. */
  instances: ReadonlySet<string>;
}

/** How many jobs one script deals with: a few milliseconds in which Redis does nothing else. */
const MOST_JOBS = 200;
/** How much data one script looks into, in bytes: as it parses a MB in about 10 ms. */
const MOST_BYTES = 1024 * 1024;
/** What is read of a reason, in bytes: a refusal that names 50 faults is shorter. */
const MOST_REASON_BYTES = 16 * 1024;

/** The failed jobs of a queue. */
export function createFailedJobs({ prefix, jobs, instances }: FailedJobsOptions): FailedJobs {
  const client = jobs.getBackend().client;
  const script = scriptsOf(jobs, {
    'failed-page': [readLua('../place'), readLua('../read-json'), readLua('failed-page')].join('\n'),
    'retry-failed': [QUEUE_FUNCTIONS.reprocessJob, readLua('retry-failed')].join('\n'),
    'drop-failed': [QUEUE_FUNCTIONS.removeJob, readLua('drop-failed')].join('\n'),
  });
  const failedKey = jobs.toKey('failed');
  const jobsBase = jobs.toKey('');
  const settledBase = `${prefix}:settled:`;

  return {
    async newest() {
      const [, score] = await (await client).zrange(failedKey, -1, -1, { WITHSCORES: true });
      return score === undefined ? undefined : scoreOf(score);
    },
    async *read({ since = 0, upTo }) {
      let [score, member] = [String(since), ''];
      for (;;) {
        const [place, page] = Page.parse(
          await script('failed-page')(
            [failedKey],
            [jobsBase, score, member, upTo, MOST_JOBS, MAX_JOB_BYTES, MOST_BYTES, MOST_REASON_BYTES],
          ),
        );
        if (place.length === 0) return;
        yield page.map((entry) => failedJobOf(entry, instances));
        [score, member] = place;
      }
    },
    retry: (seen) => act(script('retry-failed'), seen),
    drop: (seen) => act(script('drop-failed'), seen),
  };

  async function act(run: Script, seen: readonly SeenFailure[]): Promise<number> {
    let done = 0;
    for (let from = 0; from < seen.length; from += MOST_JOBS) {
      const chunk = seen.slice(from, from + MOST_JOBS);
      const args = chunk.flatMap(({ jobId, failedAt }) => [jobId, failedAt]);
      done += z.number().parse(await run([failedKey], [jobsBase, settledBase, ...args]));
    }
    return done;
  }
}

/** jobId, score, name, instance, reason, attempts, timestamp. */
const Entry = z.tuple([z.string(), z.string(), z.string(), z.string(), z.string(), z.string(), z.string()]);
const Page = z.tuple([z.union([z.tuple([]), z.tuple([z.string(), z.string()])]), z.array(Entry)]);

function failedJobOf(entry: z.infer<typeof Entry>, instances: ReadonlySet<string>): FailedJob {
  const [jobId, score, name, instance, reason, attempts, timestamp] = entry;
  const { code = UNKNOWN, message = '' } = failureIn(reason) ?? {};
  return {
    jobId,
    operation: isJobName(name) ? name : UNKNOWN,
    instance: instances.has(instance) ? instance : UNKNOWN,
    code,
    message,
    attempts: Number(attempts) || 0,
    failedAt: scoreOf(score),
    addedAt: Number(timestamp) || undefined,
  };
}
