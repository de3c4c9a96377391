/**
 * Reads the jobs of a state, 50 at a time, at a cost that does not grow with the number of jobs. Where no index leads to the wanted jobs
 * (failed ones by code, blocked ones) it looks at a bounded number and says how far it has looked.
 */
import type { Queue } from 'bullmq';
import { UNKNOWN } from '../../../contract/job.ts';
import { FAILURE_CODES } from '../../../contract/outcome.ts';
import type { CircuitName } from '../../../lifecycle/ports/circuits.ts';
import type { HeldPage } from '../../../store/circuits/held-jobs.ts';
import type { OpenJob } from '../../../store/users/open-job.ts';
import type { WaitingJob } from '../../../store/users/why-jobs-wait.ts';
import { PAGE } from '../ranks.ts';
import { type JobRow, readRows } from './job-row.ts';

/** As BullMQ and our glossary call them; blocked and held jobs are BullMQ's delayed ones, too. */
export const STATES = [
  'waiting',
  'active',
  'blocked',
  'held',
  'delayed',
  'waiting-children',
  'failed',
  'completed',
] as const;
export type State = (typeof STATES)[number];

export const CODES = [...FAILURE_CODES, UNKNOWN] as const;
export type Code = (typeof CODES)[number];

export interface ListedJob extends JobRow {
  /** Of a delayed job: why it waits; undefined if it is deferred, or no worker has begun it. */
  why?: OpenJob['is'] | undefined;
  /** Of a held job: what holds it. */
  circuit?: CircuitName;
}

export interface JobList {
  state: State;
  code?: Code | undefined;
  rows: ListedJob[];
  /** How many jobs of the list come before these; of a search: how many were passed over before. */
  from: number;
  /** How many are in the list; of a search: among how many it searches. */
  total: number;
  /** Where the next page begins; undefined: nothing comes after these. */
  next?: number | undefined;
  /** Of a search: up to which one it has looked. */
  lookedUpTo?: number;
  /** Of each state; those of blocked jobs are not known. */
  counts: Partial<Record<State, number>>;
}

export interface JobListSources {
  jobs: Queue;
  /** Why delayed jobs wait, in their order. */
  why: (jobs: readonly WaitingJob[]) => Promise<(OpenJob | undefined)[]>;
  /** When these jobs are due, of the deletions that we have scheduled; undefined for others. */
  dueAt: (jobIds: readonly string[]) => Promise<(number | undefined)[]>;
  /** Which circuit holds a held job; undefined if none does any more. */
  heldBy: (jobId: string) => Promise<CircuitName | undefined>;
  held: (page: { skip: number; count: number }) => Promise<HeldPage>;
}

/** How many jobs one page of a search looks at. */
const MOST_LOOKED_AT = 500;
/** How many of them are read at a time. */
const STEP = 100;

export async function readJobList(
  sources: JobListSources,
  { state, code, from }: { state: State; code?: Code | undefined; from: number },
): Promise<JobList> {
  const [counts, held] = await Promise.all([
    countsOf(sources.jobs),
    sources.held({ skip: from, count: state === 'held' ? PAGE : 0 }),
  ]);
  const known = { ...counts, held: held.total };
  const about = { state, code, from, counts: known };
  if (state === 'blocked') {
    const find = { ids: idsAt(sources.jobs, 'delayed', counts), keep: blockedOf(sources) };
    return { ...about, total: counts.delayed, ...(await search(sources, from, find)) };
  }
  if (code !== undefined) {
    const keep: Search['keep'] = async (rows) => rows.map((row) => (row.code === code ? row : undefined));
    const find = { ids: idsAt(sources.jobs, 'failed', counts), keep };
    return { ...about, total: counts.failed, ...(await search(sources, from, find)) };
  }
  const total = known[state];
  const next = from + PAGE < total ? from + PAGE : undefined;
  if (state === 'held') {
    const rows = await readRows(
      sources.jobs,
      held.held.map(({ jobId }) => jobId),
    );
    const circuits = held.held.map(({ circuit }) => ({ circuit }));
    return { ...about, total, next, rows: rows.map((row, at) => ({ ...row, ...circuits[at] })) };
  }
  const rows = await readRows(sources.jobs, await idsAt(sources.jobs, state, counts)(from, from + PAGE - 1));
  return { ...about, total, next, rows: state === 'delayed' ? await withWhy(sources, rows) : rows };
}

type Counts = Awaited<ReturnType<typeof countsOf>>;

async function countsOf(jobs: Queue) {
  const counts = await jobs.getJobCounts(
    'waiting',
    'prioritized',
    'active',
    'delayed',
    'waiting-children',
    'failed',
    'completed',
  );
  const { waiting = 0, prioritized = 0, active = 0, delayed = 0, failed = 0, completed = 0 } = counts;
  const children = counts['waiting-children'] ?? 0;
  return {
    waiting: waiting + prioritized,
    withoutPriority: waiting,
    active,
    delayed,
    'waiting-children': children,
    failed,
    completed,
  };
}

type IdsAt = (first: number, last: number) => Promise<string[]>;

/** What waits or is delayed: the next first. What has ended: the newest first. */
function idsAt(jobs: Queue, state: Exclude<State, 'held' | 'blocked'>, counts: Counts): IdsAt {
  if (state === 'waiting') return (first, last) => waitingAt(jobs, counts.withoutPriority, first, last);
  const isEnded = state === 'failed' || state === 'completed';
  return (first, last) => jobs.getRanges([state], first, last, !isEnded);
}

/** Jobs without a priority come first; the pages go on with the others. */
async function waitingAt(jobs: Queue, without: number, first: number, last: number): Promise<string[]> {
  const plain =
    first < without ? await jobs.getRanges(['waiting'], first, Math.min(last, without - 1), true) : [];
  if (last < without) return plain;
  const from = Math.max(0, first - without);
  return [...new Set([...plain, ...(await jobs.getRanges(['prioritized'], from, last - without, true))])];
}

/** Adds why delayed jobs wait, and when the deletions among them are due. */
async function withWhy({ why, dueAt }: JobListSources, rows: readonly JobRow[]): Promise<ListedJob[]> {
  const [reasons, times] = await Promise.all([why(rows), dueAt(rows.map(({ jobId }) => jobId))]);
  return rows.map((row, at) => ({ ...row, why: reasons[at]?.is, dueAt: times[at] ?? row.dueAt }));
}

interface Search {
  ids: IdsAt;
  keep: (rows: JobRow[]) => Promise<(ListedJob | undefined)[]>;
}

function blockedOf(sources: JobListSources): Search['keep'] {
  return async (rows) =>
    (await withWhy(sources, rows)).map((row) => (row.why === 'blocked' ? row : undefined));
}

/** Ends with a full page, after its bounded number, or with the last job. */
async function search(
  { jobs }: JobListSources,
  from: number,
  { ids, keep }: Search,
): Promise<Required<Pick<JobList, 'rows' | 'lookedUpTo'>> & Pick<JobList, 'next'>> {
  const rows: ListedJob[] = [];
  for (let at = from; at < from + MOST_LOOKED_AT; at += STEP) {
    const some = await ids(at, at + STEP - 1);
    for (const [index, row] of (await keep(await readRows(jobs, some))).entries()) {
      if (row === undefined) continue;
      if (rows.length === PAGE) return { rows, lookedUpTo: at + index, next: at + index };
      rows.push(row);
    }
    if (some.length < STEP) return { rows, lookedUpTo: at + some.length };
  }
  return { rows, lookedUpTo: from + MOST_LOOKED_AT, next: from + MOST_LOOKED_AT };
}
