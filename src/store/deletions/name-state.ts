/** What is known of a user's deletions under one of its names, and the job that lies there. */
import { z } from 'zod';
import type { Command, Seen } from '../../redis/change.ts';
import { KEEP_NAME_S, type Names, namesBaseOf } from './deletion-names.ts';

const number = z.coerce.number().default(0);
const text = z.string().optional();

/**
 * A name is a hash of the user's clientId or UserId; `del-HASH` is the job of the deletion that we schedule under it, `del-HASH-NUMBER`
 * that of a later one. The index has what is pending, by the ms when it is due. A name has a key only if there is more to say; most
 * pending deletions have none. The key is a hash; settled.lua reads and writes some of its fields, too. Times are in epoch milliseconds.
 */
const Fields = z.object({
  number, // of the name's last deletion
  isOver: text, // that one has ended: the next one gets a new number
  requestedAt: number, // when that one was requested last, where that is later than its job says
  voidBefore: number, // deletions of the user that were requested until then are void, whoever added them
  askedAfter: number, // the voidBefore that was known when the last deletion was requested: it does not concern that one
  voidBelow: number, // our deletions with a lower number are void, whatever the clocks say
  begunJob: text, // a job that is not of the index, of another client perhaps, which a worker has begun and not ended
  cancelledJob: text, // the job that was cancelled last, if nothing was requested and sent since
  voidScheduler: text, // the job scheduler whose job was void: its further ones are, too
  returnedAt: number, // the newest sign-up: deletions that were requested before are not wanted any more
  sentJob: text, // the job that may have sent its DELETE last
  sentEnd: text, // how that one ended: done or failed
  at: text, // hash of the user's other name, under which its deletion lies
});
const FIELDS = Fields.keyof().options;

export interface NameState extends z.infer<typeof Fields> {
  key: string;
  hash: string;
  /** Of its last deletion. */
  jobId: string;
  /** Whether it has a key. */
  isKnown: boolean;
}

export function readName(seen: Seen, prefix: string, hash: string): NameState {
  const key = namesBaseOf(prefix) + hash;
  const values = seen.list('HMGET', key, ...FIELDS);
  const fields = Fields.parse(Object.fromEntries(FIELDS.map((field, n) => [field, values[n]])));
  const isKnown = values.some((value) => value !== undefined);
  return { ...fields, key, hash, isKnown, jobId: jobIdOf(hash, fields.number) };
}

/** The user's names, each followed by the one that it leads to. */
export function readPlaces(seen: Seen, { prefix, hashes }: Names): NameState[] {
  const places = hashes.flatMap((hash) => {
    const given = readName(seen, prefix, hash);
    return given.at === undefined ? [given] : [given, readName(seen, prefix, given.at)];
  });
  return [...new Map(places.map((name) => [name.hash, name])).values()];
}

export function jobIdOf(hash: string, number: number): string {
  return number === 0 ? `del-${hash}` : `del-${hash}-${number}`;
}

/** The name under which a job lies that we may have scheduled; undefined for one of another client. */
export function ownNameOf(jobId: string): { hash: string; number: number } | undefined {
  const [, hash, number = '0'] = /^del-([\w-]{16})(?:-(\d+))?$/.exec(jobId) ?? [];
  return hash === undefined ? undefined : { hash, number: Number(number) };
}

/** Whether the name's last deletion may have sent its DELETE; one that failed since is decided anew. */
export function isSent({ sentJob, sentEnd, jobId }: NameState): boolean {
  return sentJob === jobId && sentEnd !== 'failed';
}

/** Keeps a name from now on, or from when its deletion is due: it may be pending for years. */
export function keep(seen: Seen, { key }: NameState, dueAt = -Infinity): Command {
  const untilDue = dueAt > seen.now ? Math.ceil((dueAt - seen.now) / 1000) : 0;
  return ['EXPIRE-AT-LEAST', key, KEEP_NAME_S + untilDue];
}
