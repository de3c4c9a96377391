/**
 * Formats the story of one user, as text and as JSON. Shows ids, never personal data.
 */
import { instantText } from '../../contract/duration.ts';
import { type Version, jobIdOf, msOf } from '../../contract/version.ts';
import { sameUserId } from '../../damoov/wire.ts';
import type { UserRecord } from '../../operations/context.ts';
import type { Deletion } from '../../store/deletions/deletion-list.ts';
import type { OpenJob, UserStory } from '../../store/users/user-story.ts';
import type { UserOptions } from '../common/with-deletions.ts';
import { jsonLine, onOneLine } from '../terminal/text.ts';

/** A job, with why it failed. */
export interface ShownJob {
  jobId: string;
  /** Whether it is in the queue and has not ended. */
  isOpen: boolean;
  /** Its name, or `unknown`, also if only its id is left. */
  operation: string;
  code?: string;
  message?: string;
}

export interface Told {
  user: UserOptions;
  story: UserStory | undefined;
  open: (OpenJob & ShownJob)[];
  failed: ShownJob[];
  deletion: Deletion | undefined;
}

/** A user as Damoov shows it. */
export interface FoundUser {
  userId: string;
  clientId: string | undefined;
  /** Its configured name, else its InstanceId. */
  instance: string;
  status: string | undefined;
}

export function userJson(told: Told, atDamoov: readonly FoundUser[] | undefined): string {
  const { user, story, open, failed, deletion } = told;
  const differences = atDamoov && differencesOf(told, atDamoov);
  return jsonLine({
    ...user,
    isKnown: story !== undefined,
    ...(story && { record: recordOf(story.record) }),
    open,
    failed,
    deletion,
    damoov: atDamoov,
    differences,
  });
}

function recordOf({ userId, state, generation, fields, created, deleted, moved, ...more }: UserRecord) {
  return {
    userId,
    state,
    generation,
    created: writeOf(created),
    deleted: writeOf(deleted),
    moved: writeOf(moved),
    seenAt: more.lastSeenAt,
    createInDoubt: more.isInDoubt,
    deletingSince: more.deletingSince,
    movingSince: more.movingSince,
    formerUserId: more.formerUserId,
    written: Object.fromEntries(Object.entries(fields).map(([name, version]) => [name, writeOf(version)])),
  };
}

function writeOf(version: Version | undefined): { at: number; jobId: string } | undefined {
  return version && { at: msOf(version), jobId: jobIdOf(version) };
}

export function userText(told: Told, atDamoov: readonly FoundUser[] | undefined): string {
  const { story, open, failed, deletion } = told;
  const lines = [
    ...(story === undefined ? [UNKNOWN] : recordLines(story.record)),
    ...open.map((job) => `${WAITS[job.is]}: ${jobText(job)}${reasonText(job)}`),
    ...failed.map((job) => `failed: ${jobText(job)}: ${job.code}: ${job.message}`),
    ...(deletion === undefined ? [] : [`deletion: due ${timeText(deletion.dueAt)}, job ${deletion.jobId}`]),
    ...(story !== undefined && open.length + failed.length === 0 ? [NO_JOBS] : []),
    ...(atDamoov === undefined ? [] : damoovLines(told, atDamoov)),
  ];
  return lines.map(onOneLine).join('\n');
}

const UNKNOWN = 'no job has named this user in 30 days, or no worker has begun one yet';
const NO_JOBS = 'jobs: none that a worker has begun is open or failed';

const WAITS: Record<OpenJob['is'], string> = {
  running: 'runs',
  blocked: 'blocked by another job of the user',
  held: 'held by an open circuit breaker (see status)',
  wait: 'waits',
  retry: 'is tried again',
};

function recordLines({ userId, state, fields, created, deleted, moved, ...more }: UserRecord): string[] {
  const writes = { created, deleted, moved, ...fields };
  const open = [
    more.isInDoubt && 'a create may have been carried out without an answer',
    more.deletingSince !== undefined && 'a deletion may have been sent that is not confirmed',
    more.movingSince !== undefined && 'a move may have been sent that is not confirmed',
    more.formerUserId !== undefined && `user ${more.formerUserId} had this clientId before`,
  ];
  return [
    `user: ${userId ?? 'no UserId yet'}, ${state}`,
    ...Object.entries(writes).flatMap(([name, version]) =>
      version === undefined ? [] : [`${name}: ${timeText(msOf(version))}, job ${jobIdOf(version)}`],
    ),
    ...open.filter((line) => line !== false),
  ];
}

function jobText({ jobId, operation }: ShownJob): string {
  return `job ${jobId}, ${operation}`;
}

function reasonText({ reason, at }: OpenJob): string {
  return `${reason === undefined ? '' : `: ${reason}`}${at === undefined ? '' : `, since ${timeText(at)}`}`;
}

function timeText(ms: number): string {
  return instantText(ms) ?? 'an unknown time';
}

function damoovLines(told: Told, found: readonly FoundUser[]): string[] {
  const differences = differencesOf(told, found);
  return [
    ...found.map(
      ({ userId, clientId = 'none', instance, status = 'unknown' }) =>
        `at Damoov: user ${userId}, clientId ${clientId}, instance ${instance}, status ${status}`,
    ),
    ...(found.length === 0 ? ['at Damoov: no such user is seen'] : []),
    ...differences.map((difference) => `differs: ${difference}`),
  ];
}

/** Where Damoov and the record disagree. */
function differencesOf({ user, story }: Told, found: readonly FoundUser[]): string[] {
  if (story === undefined) return [];
  const { userId, state } = story.record;
  const same = found.find((one) => userId !== undefined && sameUserId(one.userId, userId));
  const others = found.filter((one) => one !== same && one.instance === user.instance);
  return [
    ...(state === 'live' && same === undefined ? ['the record says that the user lives'] : []),
    ...(state === 'deleted' && same !== undefined ? ['the record says that the user is deleted'] : []),
    ...(same !== undefined && user.clientId !== undefined && same.clientId !== user.clientId
      ? ['the user has another clientId']
      : []),
    ...(same !== undefined && same.instance !== user.instance ? ['the user is in another instance'] : []),
    ...others.map((one) => `user ${one.userId} has the clientId, too`),
  ];
}
