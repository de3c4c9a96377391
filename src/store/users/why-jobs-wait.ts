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

/** In the order of the jobs; undefined if no record of a user that the job names says so: it is deferred, or no worker has begun it. */
export function readWhyJobsWait(
  { jobs, prefix, instances }: WhySources,
  waiting: readonly WaitingJob[],
): Promise<(OpenJob | undefined)[]> {
  if (waiting.length === 0) return Promise.resolve([]);
  const namings = new Map([...instances].map(([name, instance]) => [name, hashIdFor(instance)]));
  const named = waiting.map(({ jobId, clientId, userId, instance: name = 'default' }) => {
    const [hashId, instance] = [namings.get(name), instances.get(name)];
    if (hashId === undefined || instance === undefined) return { jobId, names: [] };
    // A sign-up may wait behind jobs that name its user by the derived id.
    const ids = clientId === undefined ? [userId] : [userId, deriveUserId(instance, { clientId })];
    const names = ids.flatMap((id) => (id === undefined ? [] : [hashId('user', id.toLowerCase())]));
    return { jobId, names: clientId === undefined ? names : [hashId('client', clientId), ...names] };
  });
  return changesIn(jobs)((seen) => ({
    answer: named.map(({ jobId, names }) => {
      const keys = names.map((name) => `${prefix}:user:${name}`);
      const places = keys.map((key) => leadsTo(seen, prefix, key));
      return firstOf([...new Set(places)].map((place) => whyOf(seen, place, jobId)));
    }),
  }));
}

function leadsTo(seen: Seen, prefix: string, key: string): string {
  const other = seen.text('HGET', key, 'leadsTo');
  return other === undefined ? key : `${prefix}:user:${other}`;
}

function whyOf(seen: Seen, place: string, jobId: string): OpenJob | undefined {
  const isBlocked = seen.score(`${place}:blocked`, jobId) !== undefined;
  const later = seen.text('HGET', `${place}:later`, jobId);
  if (isBlocked) return { jobId, is: 'blocked' };
  if (later === undefined) return undefined;
  return laterJobIn(jobId, later);
}

function firstOf(found: readonly (OpenJob | undefined)[]): OpenJob | undefined {
  return found.find((one) => one !== undefined);
}
