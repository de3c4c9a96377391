/**
 * Reads the deletions that are pending, some at a time. Of a job it tells who is to be deleted and when; never why, nor what
 * else its data holds.
 */
import type { Queue } from 'bullmq';
import { z } from 'zod';
import { MAX_JOB_BYTES } from '../../contract/job.ts';
import { SCORE_PER_MS, dueMsOf } from '../score.ts';
import { luaBeside, scriptsOf } from '../scripts.ts';

const readLua = luaBeside(import.meta.url);

/** A deletion that is pending; times in epoch milliseconds, which may lie beyond the calendar: another client may have set them. */
export interface Deletion {
  jobId: string;
  instance: string;
  clientId?: string;
  userId?: string;
  /** When it is carried out, or tried again. */
  dueAt: number;
  /** NaN where the job does not say. */
  requestedAt: number;
}

export interface ListOptions {
  /** Due at or after this, in epoch milliseconds. Default: from the first one on. */
  from?: number | undefined;
  /** Due at or before this, in epoch milliseconds. Default: to the last one. */
  until?: number | undefined;
  /** Only behind this entry of an earlier list. */
  after?: Pick<Deletion, 'jobId' | 'dueAt'> | undefined;
  /** Only of this user: who has one of these ids; of any instance where none is named. */
  of?: { clientId?: string | undefined; userId?: string | undefined; instance?: string | undefined };
  /** Called with how many further deletions have data that cannot be read: whose they are cannot be told. */
  onUnreadable?: ((count: number) => void) | undefined;
}

/** How many jobs one script looks at: a few milliseconds in which Redis does nothing else. */
const LOOKED_AT = 500;

/** The deletions among the delayed jobs of a queue. */
export async function* listDeletions(jobs: Queue, options: ListOptions = {}): AsyncGenerator<Deletion> {
  const { from = -Infinity, until = Infinity, after, of, onUnreadable } = options;
  const script = scriptsOf(jobs, {
    'deletions-page': [
      readLua('../place'),
      readLua('../read-json'),
      readLua('deletion-entry'),
      readLua('deletions-page'),
    ].join('\n'),
  });
  const client = await jobs.getBackend().client;
  const lastScore = (Math.floor(until) + 1) * SCORE_PER_MS - 1;
  let score = String(Math.ceil(from) * SCORE_PER_MS);
  let jobId = '';
  if (after !== undefined) {
    // The score that it had; where it is gone, the list goes on at its time.
    const known = await client.zscore(jobs.toKey('delayed'), after.jobId);
    [score, jobId] = known === null ? [String((after.dueAt + 1) * SCORE_PER_MS), ''] : [known, after.jobId];
  }
  for (;;) {
    const reply = await script('deletions-page')(
      [jobs.toKey('delayed')],
      [jobs.toKey(''), score, jobId, lastScore, LOOKED_AT, MAX_JOB_BYTES],
    );
    const [place, entries, unreadable] = Page.parse(reply);
    if (unreadable > 0) onUnreadable?.(unreadable);
    for (const entry of entries) {
      const deletion = deletionOf(entry);
      if (of === undefined || isOf(deletion, of)) yield deletion;
    }
    if (place.length === 0) return;
    [score, jobId] = place;
  }
}

/** jobId, score, timestamp, instance, clientId, userId. */
export const Entry = z.tuple([z.string(), z.string(), z.string(), z.string(), z.string(), z.string()]);
const Page = z.tuple([z.union([z.tuple([]), z.tuple([z.string(), z.string()])]), z.array(Entry), z.number()]);

export function deletionOf([jobId, score, timestamp, instance, clientId, userId]: z.infer<
  typeof Entry
>): Deletion {
  return {
    jobId,
    instance: instance === '' ? 'default' : instance,
    ...(clientId !== '' && { clientId }),
    ...(userId !== '' && { userId: userId.toLowerCase() }),
    dueAt: dueMsOf(score),
    requestedAt: timestamp === '' ? Number.NaN : Number(timestamp),
  };
}

function isOf(deletion: Deletion, { clientId, userId, instance }: NonNullable<ListOptions['of']>): boolean {
  if (instance !== undefined && deletion.instance !== instance) return false;
  if (clientId !== undefined && deletion.clientId === clientId) return true;
  return userId !== undefined && deletion.userId === userId.toLowerCase();
}
