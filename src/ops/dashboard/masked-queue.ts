/**
 * A queue as the board may see it: counts, and jobs with everything personal hidden. It reads the jobs itself, field by field,
 * and has no way to change one: whatever the board might ask for beyond looking is refused here.
 */
// No public entry of the package: the version is pinned, and a test runs it.
import { BaseAdapter } from '@bull-board/api/dist/queueAdapters/base.js';
import type { JobStatus, QueueJob } from '@bull-board/api/typings/app';
import type { Queue } from 'bullmq';
import { z } from 'zod';
import { LAST_DATE_MS } from '../../contract/duration.ts';
import { MAX_JOB_BYTES } from '../../contract/job.ts';
import { type Script, luaBeside, scriptsOf } from '../../redis/scripts.ts';
import { type Content, maskedData, maskedName, maskedReason, maskedResult } from './masked-data.ts';

/** `waiting`: those with a priority, too, as wherever the fleet's figures are shown. */
export const STATUSES = ['active', 'waiting', 'waiting-children', 'completed', 'failed', 'delayed'] as const;

const NUMBERS = ['timestamp', 'processedOn', 'finishedOn', 'delay', 'priority', 'atm', 'ats', 'stc'] as const;
const TEXTS = ['name', 'data', 'returnvalue', 'failedReason'] as const;
/** As BullMQ names them: `atm` are the attempts made, `ats` the starts, `stc` the stalls. */
const FIELDS = [...NUMBERS, ...TEXTS];

export class MaskedQueue extends BaseAdapter {
  readonly #queue: Queue;
  readonly #content: Content;
  readonly #script: Script;

  constructor(queue: Queue, content: Content, description: string) {
    super('bullmq', { readOnlyMode: true, allowRetries: false, description });
    this.#queue = queue;
    this.#content = content;
    this.#script = scriptsOf(queue, { 'dashboard-jobs': luaBeside(import.meta.url)('jobs') })(
      'dashboard-jobs',
    );
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

  /** Those without a priority go first; the pages go on with the others. */
  async #waiting(start: number, end: number): Promise<string[]> {
    const first = await this.#queue.getWaitingCount();
    const without = start < first ? await this.#queue.getRanges(['waiting'], start, end) : [];
    const from = Math.max(0, start - first);
    return end < first
      ? without
      : [...without, ...(await this.#queue.getRanges(['prioritized'], from, end - first))];
  }

  // Nothing of ours writes them, and what others have written is theirs.
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
    if (ids.length === 0) return [];
    const args = [this.#queue.toKey(''), MAX_JOB_BYTES, FIELDS.length, ...FIELDS, ...ids];
    const replies = Jobs.parse(await this.#script([this.#queue.toKey('meta')], args));
    return replies.flatMap((values, index) => {
      if (values === null) return [];
      return [this.#jobOf(ids[index] ?? '', new Map(FIELDS.map((name, at) => [name, values[at] ?? null])))];
    });
  }

  #jobOf(id: string, fields: ReadonlyMap<string, Field>): QueueJob {
    const number = (name: (typeof NUMBERS)[number]): number => {
      const value = Number(fields.get(name));
      // The board makes dates of some of them, and of what no calendar has it would show nothing at all.
      return Number.isFinite(value) ? Math.min(Math.max(value, -LAST_DATE_MS), LAST_DATE_MS) : 0;
    };
    const text = (name: (typeof TEXTS)[number]): string | undefined => {
      const value = fields.get(name);
      return typeof value === 'string' ? value : undefined;
    };
    const delay = Math.min(number('delay'), LAST_DATE_MS - number('timestamp'));
    const hasFailed = fields.get('failedReason') !== null;
    const queue = this.#queue;
    const json = {
      id,
      name: maskedName(text('name') ?? '', this.#content),
      data: maskedData(text('data'), this.#content),
      opts: { delay },
      delay,
      progress: 0,
      timestamp: number('timestamp'),
      attemptsMade: number('atm'),
      attemptsStarted: number('ats'),
      stalledCounter: number('stc'),
      priority: number('priority'),
      processedOn: number('processedOn') || null,
      finishedOn: number('finishedOn') || null,
      failedReason: hasFailed ? maskedReason(text('failedReason'), this.#content) : '',
      stacktrace: [],
      returnvalue: fields.get('returnvalue') === null ? null : maskedResult(text('returnvalue')),
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

/** Null: there is none; 1: it is too large. */
type Field = string | 1 | null;
const Jobs = z.array(z.array(z.union([z.string(), z.literal(1), z.null()])).nullable());

async function refuse(): Promise<never> {
  throw new Error('the board only looks');
}
