/**
 * Tells the story of one user in lines, for the command and for the page: ids, never personal data.
 */
import { instantText } from '../../contract/duration.ts';
import { type Version, jobIdOf, msOf, operationOf } from '../../contract/version.ts';
import type { CircuitName } from '../../lifecycle/ports/circuits.ts';
import type { OpenJob } from '../../store/users/open-job.ts';
import type { UserStory } from '../../store/users/user-story.ts';
import type { StoryJob, WholeStory } from './whole-story.ts';

/** Text, or a job or a user that the line names. */
export type Part = string | { jobId: string } | { userId: string };

export interface StoryLine {
  /** What the line is about; absent if it says so itself. */
  about?: string;
  parts: Part[];
}

/** The user, then what it waits for, then what was written when. Without a line nothing would be known: there is always one. */
export function storyLines({ story, open, failed, deletion }: WholeStory): StoryLine[] {
  return [
    ...(story === undefined ? [{ parts: [UNHEARD_OF] }] : nowLines(story.record)),
    ...open.map((job) => ({ about: waitText(job), parts: [...jobParts(job), reasonText(job)] })),
    ...failed.map((job) => ({ about: 'failed', parts: [...jobParts(job), `: ${job.code}: ${job.message}`] })),
    ...(deletion === undefined
      ? []
      : [{ about: 'deletion', parts: [`due ${timeText(deletion.dueAt)}, `, { jobId: deletion.jobId }] }]),
    ...(story === undefined ? [] : writeLines(story.record)),
    ...(story !== undefined && open.length + failed.length === 0 ? [NO_JOBS] : []),
  ];
}

export const UNHEARD_OF = 'in 30 days no worker has begun a job of this user';
const NO_JOBS: StoryLine = { about: 'jobs', parts: ['none that a worker has begun is open or failed'] };

const WAITS: Record<Exclude<OpenJob['is'], 'held'>, string> = {
  running: 'runs',
  blocked: 'blocked by another job of the user',
  wait: 'waits',
  retry: 'is tried again',
};

/** Why a job has not ended. @param heldBy undefined if it is not known. */
export function waitText({ is, heldBy }: Pick<OpenJob, 'is'> & { heldBy?: CircuitName | undefined }): string {
  if (is !== 'held') return WAITS[is];
  switch (heldBy) {
    case undefined:
      return 'held by an open circuit breaker (see status)';
    case 'deletion-limit':
      return 'held by the deletion limit until an operator decides';
    case 'damoov':
      return 'held while Damoov is away';
    case 'admin':
      return 'held until the admin account can be used';
    default:
      return `held while Damoov refuses the key of the instance ${heldBy.replace('instance-key:', '')}`;
  }
}

function nowLines({ userId, state, formerUserId, deleted, ...more }: UserStory['record']): StoryLine[] {
  const isGone = state === 'deleted' && formerUserId !== undefined;
  const how = wasMove(deleted) ? 'was moved to another instance' : 'has another clientId now';
  const isUnknown = userId === undefined && state === 'unknown';
  const doubts = [
    more.isInDoubt && 'a create may have been carried out without an answer',
    more.deletingSince !== undefined && 'a deletion may have been sent that is not confirmed',
    more.movingSince !== undefined && 'a move may have been sent that is not confirmed',
  ];
  return [
    {
      about: 'user',
      parts: isGone
        ? ['none of this clientId any more: ', { userId: formerUserId }, ` had it, and ${how}`]
        : [`${userId ?? 'no UserId yet'}${isUnknown ? '' : `, ${state}`}`],
    },
    ...doubts.filter((line) => line !== false).map((line) => ({ parts: [line] })),
  ];
}

function writeLines({ fields, created, deleted, moved, formerUserId }: UserStory['record']): StoryLine[] {
  const lost = wasMove(deleted) ? 'moved away' : formerUserId === undefined ? 'deleted' : 'clientId given up';
  const writes: Record<string, Version | undefined> = { created, [lost]: deleted, moved, ...fields };
  return Object.entries(writes).flatMap(([about, version]) =>
    version === undefined
      ? []
      : [{ about, parts: [`${timeText(msOf(version))}, `, { jobId: jobIdOf(version) }] }],
  );
}

/** A clientId whose user was moved away is recorded as one whose user was deleted. */
function wasMove(deleted: Version | undefined): boolean {
  return deleted !== undefined && operationOf(deleted) === 'move-user';
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
