/**
 * Tells the story of one user in lines, for the command and for the page: ids, never personal data.
 */
import { instantText } from '../../contract/duration.ts';
import { type Version, jobIdOf, msOf } from '../../contract/version.ts';
import type { OpenJob } from '../../store/users/open-job.ts';
import type { UserStory } from '../../store/users/user-story.ts';
import type { StoryJob, WholeStory } from './whole-story.ts';

/** Text, or a job that the line names. */
export type Part = string | { jobId: string };

export interface StoryLine {
  /** What the line is about; absent if it says so itself. */
  about?: string;
  parts: Part[];
}

/** Without a line nothing would be known: there is always one. */
export function storyLines({ story, open, failed, deletion }: WholeStory): StoryLine[] {
  return [
    ...(story === undefined ? [{ parts: [UNHEARD_OF] }] : recordLines(story.record)),
    ...open.map((job) => ({ about: WAITS[job.is], parts: [...jobParts(job), reasonText(job)] })),
    ...failed.map((job) => ({ about: 'failed', parts: [...jobParts(job), `: ${job.code}: ${job.message}`] })),
    ...(deletion === undefined
      ? []
      : [{ about: 'deletion', parts: [`due ${timeText(deletion.dueAt)}, `, { jobId: deletion.jobId }] }]),
    ...(story !== undefined && open.length + failed.length === 0 ? [NO_JOBS] : []),
  ];
}

export const UNHEARD_OF = 'no job has named this user in 30 days, or no worker has begun one yet';
const NO_JOBS: StoryLine = { about: 'jobs', parts: ['none that a worker has begun is open or failed'] };

const WAITS: Record<OpenJob['is'], string> = {
  running: 'runs',
  blocked: 'blocked by another job of the user',
  held: 'held by an open circuit breaker (see status)',
  wait: 'waits',
  retry: 'is tried again',
};

function recordLines(record: UserStory['record']): StoryLine[] {
  const { userId, state, fields, created, deleted, moved, ...more } = record;
  const writes: Record<string, Version | undefined> = { created, deleted, moved, ...fields };
  const open = [
    more.isInDoubt && 'a create may have been carried out without an answer',
    more.deletingSince !== undefined && 'a deletion may have been sent that is not confirmed',
    more.movingSince !== undefined && 'a move may have been sent that is not confirmed',
    more.formerUserId !== undefined && `user ${more.formerUserId} had this clientId before`,
  ];
  return [
    { about: 'user', parts: [`${userId ?? 'no UserId yet'}, ${state}`] },
    ...Object.entries(writes).flatMap(([about, version]) =>
      version === undefined
        ? []
        : [{ about, parts: [`${timeText(msOf(version))}, `, { jobId: jobIdOf(version) }] }],
    ),
    ...open.filter((line) => line !== false).map((line) => ({ parts: [line] })),
  ];
}

function jobParts({ jobId, operation }: StoryJob): Part[] {
  return [{ jobId }, `, ${operation}`];
}

function reasonText({ reason, at }: OpenJob): string {
  return `${reason === undefined ? '' : `: ${reason}`}${at === undefined ? '' : `, since ${timeText(at)}`}`;
}

function timeText(ms: number): string {
  return instantText(ms) ?? 'an unknown time';
}
