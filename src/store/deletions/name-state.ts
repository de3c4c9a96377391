/** The state of a user's deletions, by its names, and whether one of them may still be sent. */
import { z } from 'zod';
import type { DeletionRun } from '../../lifecycle/ports/deletion-guard.ts';
import type { Command, Seen } from '../../redis/change.ts';
import { KEEP_NAME_S, type Names, namesBaseOf, pendingKeyOf } from './deletion-names.ts';

const number = z.coerce.number().default(0);
const text = z.string().optional();

/**
 * A name is a hash of the user's clientId or UserId; `del-HASH` is the job of the deletion that we schedule under it, `del-HASH-NUMBER`
 * that of a later one. The index has what is pending, by the ms when it is due. A name has a key only if there is more to say; most
 * pending deletions have none. The key is a hash; settled.lua reads and writes some of its fields, too. Times are in epoch milliseconds.
 */
const Fields = z.object({
  number, // of the name's last deletion
  isOver: text, // the last deletion has ended: the next one gets a new number
  requestedAt: number, // the last request for it, if later than its job's timestamp
  voidBefore: number, // deletions of the user that any client requested until then are void
  askedAfter: number, // the voidBefore in force at the last request: it does not void that request
  voidBelow: number, // our deletions with a lower number are void, whatever the clocks say
  begunJob: text, // a job that a worker has begun, and that is not in the index: of another client, perhaps
  cancelledJob: text, // the last cancelled job, unless another one was requested and sent since
  voidScheduler: text, // the job scheduler whose jobs are void
  returnedAt: number, // the newest sign-up: it voids the deletions requested before
  sentJob: text, // the last job that may have sent its DELETE
  sentEnd: text, // how that job ended: done or failed
  at: text, // hash of the user's other name, which has the deletion
  suspension: text, // 'asked', 'sent', 'suspended' or 'unchanged'; number of the deletion; its due time; UserId of the suspended user
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

/** The first of the user's names under which a deletion is pending, other than this job, with when it is due. */
export function firstPending(seen: Seen, prefix: string, places: readonly NameState[], over?: string) {
  return places
    .map((name) => ({ ...name, dueAt: seen.score(pendingKeyOf(prefix), name.jobId) ?? NaN }))
    .find(({ jobId, dueAt }) => !Number.isNaN(dueAt) && jobId !== over);
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

/** The suspension until the deletion of this number; `unchanged`: there is no such user, or it was suspended before. */
export function suspensionOf(
  { suspension = '' }: NameState,
  number: number,
): { state: string; dueAt: number; userId: string | undefined } | undefined {
  const [state = '', of, dueAt, userId = ''] = suspension.split(' ');
  return of === String(number) ? { state, dueAt: Number(dueAt), userId: userId || undefined } : undefined;
}

/** Keeps a name from now on, or from when its deletion is due: it may be pending for years. */
export function keep(seen: Seen, { key }: NameState, dueAt = -Infinity): Command {
  return ['EXPIRE-AT-LEAST', key, KEEP_NAME_S + Math.max(0, Math.ceil((dueAt - seen.now) / 1000))];
}

export type Standing = ReturnType<typeof standingOf>;

/** The state of a deletion that a worker is about to carry out: what is known of it under the names of its user. */
export function standingOf(seen: Seen, { prefix, hashes }: Names, run: DeletionRun) {
  const { jobId, timestamp, scheduler } = run;
  const place = ownNameOf(jobId);
  // With the number of this deletion, which may not be the name's last one.
  const own = place && { ...readName(seen, prefix, place.hash), number: place.number };
  const all = new Set(own === undefined ? hashes : [own.hash, ...hashes]);
  const names = [...all].map((hash) => readName(seen, prefix, hash));
  const last = names.find((name) => name.jobId === jobId);
  const requestedAt = Math.max(timestamp, last?.requestedAt ?? 0);
  const isReplaced = own !== undefined && own.number < own.voidBelow;
  const isCancelledBy = (name: NameState) =>
    // One that was known when it was cancelled is void whatever the clock of its client says.
    name.cancelledJob === jobId ||
    // All that a job scheduler adds was requested when it was set up.
    (scheduler !== undefined && name.voidScheduler === scheduler) ||
    (requestedAt <= name.voidBefore && (last?.askedAfter ?? 0) < name.voidBefore);
  const isCancelled = isReplaced || names.some(isCancelledBy);
  const hasReturned = names.some((name) => requestedAt < name.returnedAt);
  const sent = names.filter((name) => name.sentJob === jobId);
  // Its DELETE may have been sent, and it has not failed since.
  const isSent = sent.length > 0 && sent.every((name) => name.sentEnd !== 'failed');
  // Why it must not be sent: it was cancelled, or the user has signed up again since.
  const reason = isCancelled ? 'cancelled' : hasReturned ? 'returned' : undefined;
  return { isSent, void: reason, requestedAt, names, own } as const;
}
