/**
 * Reads what is known of one user in Redis: its record, who has locked it, and its jobs. Changes nothing.
 */
import type { Queue } from 'bullmq';
import type { Instance, UserRecord } from '../../operations/context.ts';
import { changesIn } from '../../redis/change.ts';
import { recordOf, versionIn } from './record-fields.ts';
import { pairsOf } from './script-replies.ts';
import { type OpenJob, laterJobIn } from './open-job.ts';
import { hashIdFor } from './user-hash.ts';

export interface UserStory {
  record: UserRecord;
  /** The job that has locked the user, since its run is under way or its event is not published. */
  lockedBy?: string | undefined;
  open: OpenJob[];
  /** Ids of its failed jobs, the newest first. */
  failed: string[];
}

/** Undefined if no job has named this user in 30 days. Those that no worker has begun are not known. */
export async function readUserStory(
  { jobs, prefix, instance }: { jobs: Queue; prefix: string; instance: Instance },
  { clientId, userId }: { clientId?: string | undefined; userId?: string | undefined },
): Promise<UserStory | undefined> {
  const hashId = hashIdFor(instance);
  const ids = [
    ...(userId === undefined ? [] : [hashId('user', userId.toLowerCase())]),
    ...(clientId === undefined ? [] : [hashId('client', clientId)]),
  ];
  return changesIn(jobs)<UserStory | undefined>((seen) => {
    const keyOf = (id: string) => `${prefix}:user:${id}`;
    const read = (id: string) => pairsOf(texts(seen.list('HGETALL', keyOf(id))));
    const recordIds = ids.map((id) => read(id)['leadsTo'] ?? id);
    // A job that fails may leave no record, only itself.
    const isKnown = (id: string) =>
      Object.keys(read(id)).length > 0 || seen.list('ZRANGE', `${keyOf(id)}:failures`, 0, 0).length > 0;
    const recordId = recordIds.find(isKnown);
    if (recordId === undefined) return { answer: undefined };
    const fields = read(recordId);
    const isLocked = Number(fields['lockUntil']) > seen.now;
    const blocked = texts(seen.list('ZRANGE', `${keyOf(recordId)}:blocked`, 0, MOST));
    const later = pairsOf(texts(seen.list('HGETALL', `${keyOf(recordId)}:later`)));
    const failed = texts(seen.list('ZRANGE', `${keyOf(recordId)}:failures`, 0, MOST, 'REV'));
    const answer: UserStory = {
      record: recordOf(fields, 'of no run'),
      lockedBy: isLocked ? fields['lockJob'] : undefined,
      open: [
        ...blocked.map((jobId): OpenJob => ({ jobId, is: 'blocked' })),
        ...Object.entries(later)
          .filter(([jobId]) => !blocked.includes(jobId) && jobId !== fields['lockJob'])
          .map(([jobId, why]) => laterJobIn(jobId, why)),
      ],
      failed: failed.flatMap((text) => jobIdIn(text) ?? []),
    };
    return { answer };
  });
}

/** How many jobs of a kind are read at most. */
const MOST = 99;

function texts(list: readonly (string | undefined)[]): string[] {
  return list.map((text) => text ?? '');
}

function jobIdIn(text: string): string | undefined {
  const version = versionIn(text);
  return version?.split(' ').slice(2).join(' ');
}
