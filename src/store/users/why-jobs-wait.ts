/**
 * Reads why delayed jobs wait, as their users' records say: blocked by another job of the user, held, or to go on later. One consistent
 * snapshot for all of them.
 */
import type { Queue } from 'bullmq';
import type { Instance } from '../../operations/context.ts';
import { deriveUserId } from '../../operations/derive-user-id.ts';
import { type Seen, changesIn } from '../../redis/change.ts';
import { type OpenJob, laterJobIn } from './open-job.ts';
import { hashIdFor } from './user-hash.ts';

export interface WaitingJob {
  jobId: string;
  clientId?: string | undefined;
  userId?: string | undefined;
  /** Default `default`. */
  instance?: string | undefined;
}

export interface WhySources {
  jobs: Queue;
  prefix: string;
  instances: ReadonlyMap<string, Instance>;
}

/** In the order of the jobs; undefined if no record of a user of the job's ids says so: it is deferred, or no worker has begun it. */
export function readWhyJobsWait(
  { jobs, prefix, instances }: WhySources,
  waiting: readonly WaitingJob[],
): Promise<(OpenJob | undefined)[]> {
  if (waiting.length === 0) return Promise.resolve([]);
  const hashIds = new Map([...instances].map(([name, instance]) => [name, hashIdFor(instance)]));
  const named = waiting.map(({ jobId, clientId, userId, instance: name = 'default' }) => {
    const [hashId, instance] = [hashIds.get(name), instances.get(name)];
    if (hashId === undefined || instance === undefined) return { jobId, ids: [] };
    // A sign-up may wait behind jobs that name its user by the derived id.
    const userIds = clientId === undefined ? [userId] : [userId, deriveUserId(instance, { clientId })];
    const ids = userIds.flatMap((id) => (id === undefined ? [] : [hashId('user', id.toLowerCase())]));
    return { jobId, ids: clientId === undefined ? ids : [hashId('client', clientId), ...ids] };
  });
  return changesIn(jobs)((seen) => ({
    answer: named.map(({ jobId, ids }) => {
      const keys = ids.map((id) => `${prefix}:user:${id}`);
      const recordKeys = keys.map((key) => leadsTo(seen, prefix, key));
      return firstOf([...new Set(recordKeys)].map((recordKey) => whyOf(seen, recordKey, jobId)));
    }),
  }));
}

function leadsTo(seen: Seen, prefix: string, key: string): string {
  const other = seen.text('HGET', key, 'leadsTo');
  return other === undefined ? key : `${prefix}:user:${other}`;
}

function whyOf(seen: Seen, recordKey: string, jobId: string): OpenJob | undefined {
  const isBlocked = seen.score(`${recordKey}:blocked`, jobId) !== undefined;
  const later = seen.text('HGET', `${recordKey}:later`, jobId);
  if (isBlocked) return { jobId, is: 'blocked' };
  if (later === undefined) return undefined;
  return laterJobIn(jobId, later);
}

function firstOf(found: readonly (OpenJob | undefined)[]): OpenJob | undefined {
  return found.find((one) => one !== undefined);
}
