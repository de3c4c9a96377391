/**
 * Reads everything known of one user in Redis: its record, its jobs and why they failed, and its pending deletion. Changes nothing.
 */
import type { Queue } from 'bullmq';
import { fewAtATime, readStoredJob } from '../../bullmq/read-job.ts';
import type { CircuitName } from '../../lifecycle/ports/circuits.ts';
import { UNKNOWN, isJobName } from '../../contract/job.ts';
import { failureIn } from '../../contract/outcome.ts';
import type { Deletion } from '../../store/deletions/deletion-list.ts';
import { createDeletions } from '../../store/deletions/deletions.ts';
import type { OpenJob } from '../../store/users/open-job.ts';
import { holdingCircuit } from '../../store/circuits/holding-circuit.ts';
import { type UserStory, readUserStory } from '../../store/users/user-story.ts';

/** How a user is named, by one id at least. */
export interface NamedUser {
  clientId?: string;
  userId?: string;
  instance?: string;
}

/** A job, with why it failed. */
export interface StoryJob {
  jobId: string;
  /** Whether it is in the queue and has not ended. */
  isOpen: boolean;
  /** Its name, or `unknown`, also if only its id is left. */
  operation: string;
  code?: string;
  message?: string;
}

export interface WholeStory {
  user: NamedUser;
  /** Undefined if in 30 days no worker has begun a job of this user. */
  story: UserStory | undefined;
  open: (OpenJob & StoryJob & { heldBy?: CircuitName | undefined })[];
  failed: StoryJob[];
  deletion: Deletion | undefined;
}

/** Tells the story of a user of a configured instance. */
export type StoryOf = (user: NamedUser) => Promise<WholeStory>;

type StorySources = Parameters<typeof readUserStory>[0];

export async function readWholeStory(sources: StorySources, user: NamedUser): Promise<WholeStory> {
  const { jobs, prefix } = sources;
  const [story, deletion] = await Promise.all([
    readUserStory(sources, user),
    createDeletions({ jobs, prefix }).find(user),
  ]);
  const running: OpenJob[] = story?.lockedBy === undefined ? [] : [{ jobId: story.lockedBy, is: 'running' }];
  const { instance = 'default' } = user;
  const heldBy = ({ jobId }: OpenJob) => holdingCircuit(sources, { jobId, instances: [instance] });
  const noted = await fewAtATime([...running, ...(story?.open ?? [])], JOBS_AT_ONCE, async (job) => ({
    ...job,
    ...(job.is === 'held' && { heldBy: await heldBy(job) }),
    ...(await describe(jobs, job.jobId)),
  }));
  const failed = await fewAtATime(story?.failed ?? [], JOBS_AT_ONCE, (jobId) => describe(jobs, jobId));
  return {
    user,
    story,
    // One that was removed by hand, or has ended otherwise, is not open any more.
    open: noted.filter(({ isOpen }) => isOpen),
    // One that was put back by hand, or removed, is no failed one any more.
    failed: failed.filter(({ code }) => code !== undefined),
    deletion,
  };
}

/** Whether anything is known of the user. */
export function isHeardOf({ story, deletion }: WholeStory): boolean {
  return story !== undefined || deletion !== undefined;
}

const JOBS_AT_ONCE = 20;

async function describe(jobs: Queue, jobId: string): Promise<StoryJob> {
  const job = await readStoredJob(jobs, jobId);
  const { name = '', failedReason = '' } = job ?? {};
  const isOpen = job !== undefined && job.finishedOn === undefined;
  const failure = isOpen ? undefined : failureIn(failedReason);
  return { jobId, isOpen, operation: isJobName(name) ? name : UNKNOWN, ...failure };
}
