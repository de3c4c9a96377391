/**
 * A queue for the board: counts, and jobs with all personal data hidden. It reads the jobs itself and cannot change them: it refuses
 * every other call of the board.
 */
import type { BaseAdapter } from '@bull-board/api/baseAdapter';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import type { JobStatus, QueueAdapterOptions, QueueJob } from '@bull-board/api/typings/app';
import type { Queue } from 'bullmq';
import { type StoredJob, fewAtATime, readStoredJob } from '../../bullmq/read-job.ts';
import { LAST_DATE_MS } from '../../contract/duration.ts';
import { MAX_JOB_BYTES } from '../../contract/job.ts';
import { type Content, maskedData, maskedName, maskedReason, maskedResult } from './masked-data.ts';

/** `waiting` includes jobs with a priority, as in all figures of the fleet. */
export const STATUSES = ['active', 'waiting', 'waiting-children', 'completed', 'failed', 'delayed'] as const;

/** How many jobs are read at once: jobs of other clients may be large, and this process has other work. */
const AT_ONCE = 4;

type Adapter = abstract new (type: 'bullmq', options: Partial<QueueAdapterOptions>) => BaseAdapter;
/**
 * The package exports only the type of its base class; the class itself is the parent of BullMQAdapter. Extending BullMQAdapter would
 * show and change everything, and a later version may show more.
 */
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as the package's own types have it
const Base = Object.getPrototypeOf(BullMQAdapter) as Adapter;

export class MaskedQueue extends Base {
  readonly #queue: Queue;
  readonly #content: Content;

  constructor(queue: Queue, content: Content, description: string) {
    super('bullmq', { readOnlyMode: true, allowRetries: false, description });
    this.#queue = queue;
    this.#content = content;
  }

  getName = () => this.#queue.name;
  getStatuses = () => ['latest' as const, ...STATUSES];
  getJobStatuses = () => [...STATUSES];
  async getJobCounts() {
    const counts = await this.#queue.getJobCounts(...STATUSES, 'prioritized');
    const { waiting = 0, prioritized = 0, ...others } = counts;
    return { ...others, waiting: waiting + prioritized };
  }
  isPaused = () => this.#queue.isPaused();

  async getJob(id: string): Promise<QueueJob | undefined> {
    const [job] = await this.#read([id]);
    return job;
  }

  async getJobs(statuses: JobStatus[], start = 0, end = start): Promise<QueueJob[]> {
    const others = statuses.filter((status) => status !== 'paused' && status !== 'waiting');
    const ids = [
      ...(statuses.includes('waiting') ? await this.#waiting(start, end) : []),
      ...(others.length > 0 ? await this.#queue.getRanges(others, start, end) : []),
    ];
    return this.#read([...new Set(ids)]);
  }

  /** Jobs without a priority come first; the pages continue with the others. */
  async #waiting(start: number, end: number): Promise<string[]> {
    const first = await this.#queue.getWaitingCount();
    const without = start < first ? await this.#queue.getRanges(['waiting'], start, end) : [];
    const from = Math.max(0, start - first);
    return end < first
      ? without
      : [...without, ...(await this.#queue.getRanges(['prioritized'], from, end - first))];
  }

  // Our code writes no logs, and logs of others may contain anything.
  getJobLogs = async () => [];
  getJobSchedulers = async () => [];
  getJobSchedulersCount = async () => 0;
  getMetrics = async () => ({ meta: { count: 0, prevTS: 0, prevCount: 0 }, data: [], count: 0 });
  getRedisInfo = async () => null;
  getGlobalConcurrency = async () => null;

  addJob = refuse;
  clean = refuse;
  empty = refuse;
  obliterate = refuse;
  pause = refuse;
  promoteAll = refuse;
  removeJobScheduler = refuse;
  resume = refuse;
  runJobSchedulerNow = refuse;
  setGlobalConcurrency = refuse;
  updateJobScheduler = refuse;

  async #read(ids: readonly string[]): Promise<QueueJob[]> {
    const jobs = await fewAtATime(ids, AT_ONCE, async (id) => {
      const job = await readStoredJob(this.#queue, id);
      // A job without a name is one of BullMQ's own keys.
      return job?.name === undefined ? [] : [this.#jobOf(id, job)];
    });
    return jobs.flat();
  }

  #jobOf(id: string, job: StoredJob): QueueJob {
    const timestamp = numberOf(job.timestamp);
    const delay = Math.min(numberOf(job.delay), LAST_DATE_MS - timestamp);
    const queue = this.#queue;
    const json = {
      id,
      name: maskedName(job.name ?? '', this.#content),
      data: maskedData(shownOf(job.data), this.#content),
      opts: { delay },
      delay,
      progress: 0,
      timestamp,
      attemptsMade: numberOf(job.attemptsMade),
      attemptsStarted: numberOf(job.attemptsStarted),
      stalledCounter: numberOf(job.stalledCounter),
      priority: numberOf(job.priority),
      processedOn: numberOf(job.processedOn) || null,
      finishedOn: numberOf(job.finishedOn) || null,
      failedReason:
        job.failedReason === undefined ? '' : maskedReason(shownOf(job.failedReason), this.#content),
      stacktrace: [],
      returnvalue: job.returnvalue === undefined ? null : maskedResult(shownOf(job.returnvalue)),
    };
    return {
      opts: { delay },
      toJSON: () => json,
      async getState() {
        const state = await queue.getJobState(id);
        return state === 'prioritized' ? 'waiting' : state;
      },
      promote: refuse,
      remove: refuse,
      retry: refuse,
    };
  }
}

/** The board converts numbers to dates, and shows nothing at all for an impossible one. */
function numberOf(value: number | undefined): number {
  return value !== undefined && Number.isFinite(value)
    ? Math.min(Math.max(value, -LAST_DATE_MS), LAST_DATE_MS)
    : 0;
}

/** Undefined if it is too large: other clients may have added anything. */
function shownOf(text: string): string | undefined {
  return Buffer.byteLength(text) > MAX_JOB_BYTES ? undefined : text;
}

async function refuse(): Promise<never> {
  throw new Error('the board is read-only');
}
