/**
 * Reads the pending deletions of a day, of all days, or those that the deletion limit holds: 50 at a time.
 */
import type { Queue } from 'bullmq';
import type { HeldPage } from '../../../store/circuits/held-jobs.ts';
import { type Deletion, readDeletion } from '../../../store/deletions/deletion-list.ts';
import { type DueSpan, type IndexedDeletion, readDuePage } from '../../../store/deletions/due-page.ts';
import { PAGE } from '../ranks.ts';

export interface DeletionQuery {
  state: 'pending' | 'held';
  /** `2026-11-28`, in UTC: only those due on it; today also those that are overdue. */
  day?: string | undefined;
  /** Only those due on this day or later. */
  fromDay?: string | undefined;
  /** How many are passed over. */
  from: number;
}

export interface DeletionPage extends DeletionQuery {
  deletions: IndexedDeletion[];
  total: number;
  /** How many the deletion limit holds. */
  held: number;
  now: number;
}

export interface DeletionSources {
  jobs: Queue;
  prefix: string;
  /** Those that the deletion limit holds. */
  held: (page: { skip: number; count: number }) => Promise<HeldPage>;
}

const DAY_MS = 24 * 3600 * 1000;

export async function readDeletionPage(
  { jobs, prefix, held }: DeletionSources,
  query: DeletionQuery,
  now: number,
): Promise<DeletionPage> {
  const { state, from } = query;
  const ofLimit = await held({ skip: from, count: state === 'held' ? PAGE : 0 });
  const about = { ...query, held: ofLimit.total, now };
  if (state === 'pending') {
    const page = await readDuePage({ jobs, prefix }, { ...spanOf(query, now), skip: from, count: PAGE });
    return { ...about, ...page };
  }
  const read = await Promise.all(ofLimit.held.map(async ({ jobId }) => heldOf(jobs, jobId)));
  return { ...about, total: ofLimit.total, deletions: read };
}

async function heldOf(jobs: Queue, jobId: string): Promise<Deletion | { jobId: string; dueAt: number }> {
  const one = await readDeletion(jobs, jobId);
  return typeof one === 'object' ? one : { jobId, dueAt: NaN };
}

function spanOf({ day, fromDay }: DeletionQuery, now: number): DueSpan {
  if (day === undefined) return { from: fromDay === undefined ? undefined : Date.parse(fromDay) };
  const begin = Date.parse(day);
  const isToday = day === dayOf(now);
  return { from: isToday ? undefined : begin, before: begin + DAY_MS };
}

/** The day in UTC. */
export function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

/** Undefined beyond four-digit years. */
export function dayAfter(day: string, days: number): string | undefined {
  const text = dayOf(Date.parse(day) + days * DAY_MS);
  return /^\d{4}-/.test(text) ? text : undefined;
}
