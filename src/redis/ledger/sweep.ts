/**
 * Clears away what no job's own end reaches: profiles in creates and updates that are delayed for long and whose user was
 * deleted meanwhile, and foreign job names in the queue's stream. Knows where they lie; what becomes of a job it leaves to
 * the run that it brings forward.
 */
import { randomUUID } from 'node:crypto';
import type { Queue } from 'bullmq';
import { z } from 'zod';
import { JOB_NAMES, MAX_JOB_BYTES, isJobName, referenceOfText } from '../../contract/job.ts';
import { isOlder, versionOf } from '../../contract/version.ts';
import { sameUserId } from '../../damoov/wire.ts';
import type { Instance, UserRecord } from '../../operations/context.ts';
import type { RedisConnection } from '../connection.ts';
import { recordOf } from './record-fields.ts';
import { QUEUE_FUNCTIONS } from '../queue-functions.ts';
import { luaBeside, scriptsOf } from '../scripts.ts';
import { hashesOf, namingOf } from './user-hash.ts';

const readLua = luaBeside(import.meta.url);

export interface SweepOptions {
  prefix: string;
  /** The queue of the jobs. */
  jobs: Queue;
  connection: RedisConnection;
  /** The configured instances by name. */
  instances: ReadonlyMap<string, Instance>;
  /** How long the others leave the sweep to a worker that gives no sign of life, in milliseconds. */
  leaseMs: number;
}

/** Set while a sweep is due: by a deletion, and by a job whose name is unknown. */
export function sweepKeyOf(prefix: string): string {
  return `${prefix}:sweep`;
}

/** So many entries are read at once. */
const PAGE = 1000;

/**
 * Makes one sweep: does nothing where none is due, or another worker is at it. One that is cut off stays due.
 * @throws where Redis is away.
 */
export function createSweep({
  prefix,
  jobs,
  connection,
  instances,
  leaseMs,
}: SweepOptions): () => Promise<void> {
  const dueKey = sweepKeyOf(prefix);
  const leaseKey = `${dueKey}:lease`;
  const script = scriptsOf(jobs, {
    swept: readLua('swept'),
    promote: `${QUEUE_FUNCTIONS.promote}\nreturn promote(ARGV[1], ARGV)`,
  });
  const delayedKey = jobs.toKey('delayed');
  const streamKey = jobs.toKey('events');

  return async () => {
    const due = await connection.get(dueKey);
    const lease = randomUUID();
    if (due === null || (await connection.set(leaseKey, lease, 'PX', leaseMs, 'NX')) === null) return;
    await eachDelayed(async (jobIds) => {
      for (const jobId of await outlived(jobIds))
        await script('promote')([delayedKey], [jobs.toKey(''), jobId]);
    });
    await forgetForeignNames();
    await script('swept')([dueKey, leaseKey], [due, lease]);
  };

  /** Deletions that were scheduled under an id of ours hold no profile and may be a million: the id alone tells them. */
  async function eachDelayed(look: (jobIds: string[]) => Promise<void>): Promise<void> {
    let cursor = '0';
    do {
      const [next, entries] = await connection.zscan(delayedKey, cursor, 'COUNT', PAGE);
      await look(entries.filter((id, index) => index % 2 === 0 && !id.startsWith(SCHEDULED_DELETION)));
      await connection.pexpire(leaseKey, leaseMs);
      cursor = next;
    } while (cursor !== '0');
  }

  /** Those of these jobs that have a profile, and whose user was deleted after them. */
  async function outlived(jobIds: readonly string[]): Promise<string[]> {
    const names = await fieldsOf(jobIds, 'name');
    const named = jobIds.filter((_id, index) => WITH_PROFILE.has(names[index]?.[0] ?? ''));
    const sizes = await Promise.all(named.map((id) => connection.hstrlen(jobs.toKey(id), 'data')));
    // What is too large is refused when it is due: until then nobody reads it.
    const withProfile = named.filter((_id, index) => (sizes[index] ?? 0) <= MAX_JOB_BYTES);
    const fields = await fieldsOf(withProfile, 'name', 'data', 'timestamp');
    const answers = await Promise.all(withProfile.map((id, index) => isOutlived(id, fields[index] ?? [])));
    return withProfile.filter((_id, index) => answers[index]);
  }

  async function fieldsOf(jobIds: readonly string[], ...names: string[]): Promise<(string | null)[][]> {
    if (jobIds.length === 0) return [];
    const pipeline = connection.pipeline();
    for (const jobId of jobIds) pipeline.hmget(jobs.toKey(jobId), ...names);
    const replies = (await pipeline.exec()) ?? [];
    return replies.map(([error, values]) => {
      if (error !== null) throw error;
      return HashValues.parse(values);
    });
  }

  /** Only what its own run would find superseded by the deletion: any other must not run before its time. */
  async function isOutlived(id: string, [name, data, timestamp]: (string | null)[]): Promise<boolean> {
    const { clientId, userId, occurredAt, instance: at = 'default' } = referenceOfText(data ?? '');
    const instance = instances.get(at);
    if (instance === undefined) return false;
    const addedAt = Number(timestamp);
    const { client, user } = hashesOf(namingOf(instance), { clientId, userId }, { id, timestamp: addedAt });
    const record = (await recordUnder(user)) ?? (await recordUnder(client));
    if (record === undefined) return false;
    const isAnother =
      userId !== undefined && record.userId !== undefined && !sameUserId(record.userId, userId);
    return (
      !isAnother &&
      isOlder(versionOf({ name: name ?? '', id, timestamp: addedAt, occurredAt }), record.deleted)
    );
  }

  async function recordUnder(hash: string): Promise<UserRecord | undefined> {
    if (hash === '') return undefined;
    const fields = await connection.hgetall(`${prefix}:user:${hash}`);
    if (fields['at'] !== undefined) return recordUnder(fields['at']);
    return Object.keys(fields).length === 0 ? undefined : recordOf(fields, '');
  }

  /** BullMQ tells the name of every job that is added, and keeps some ten thousand of these entries. */
  async function forgetForeignNames(): Promise<void> {
    for (let from = '-'; from !== '';) {
      const entries = await connection.xrange(streamKey, from, '+', 'COUNT', PAGE);
      const foreign = entries.filter(([, fields]) => !isKnown(fields)).map(([id]) => id);
      if (foreign.length > 0) await connection.xdel(streamKey, ...foreign);
      const last = entries.length < PAGE ? undefined : entries.at(-1);
      from = last === undefined ? '' : `(${last[0]}`;
    }
  }
}

const SCHEDULED_DELETION = 'del-';
const WITH_PROFILE: ReadonlySet<string> = new Set(JOB_NAMES.filter((name) => name !== 'delete-user'));
const HashValues = z.array(z.string().nullable());

/** Whether an entry of the stream tells no name, or that of a job of ours. */
function isKnown(fields: readonly string[]): boolean {
  const place = fields.findIndex((field, index) => index % 2 === 0 && field === 'name');
  return place === -1 || isJobName(fields[place + 1] ?? '');
}
