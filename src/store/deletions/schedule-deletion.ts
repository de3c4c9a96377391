/** Decides over a request for a deletion: whether one is pending already, or under which id a new one may be added. Adds no job. */
import type { Command, Decision, Seen } from '../../redis/change.ts';
import { type Names, pendingKeyOf } from './deletion-names.ts';
import { type NameState, firstPending, isSent, jobIdOf, keep, readName, readPlaces } from './name-state.ts';

/** Times in epoch milliseconds. */
export interface Scheduling {
  mode: 'add' | 'add-or-move' | 'move';
  requestedAt: number;
  /** Whether it is requested at this moment. */
  isNow: boolean;
  dueAt: number;
  /** The id of a job that the queue has ended. */
  over?: string | undefined;
}

export interface Pending extends Pick<NameState, 'hash' | 'number' | 'jobId' | 'requestedAt'> {
  is: 'free' | 'exists' | 'moved';
  dueAt: number;
}

type Scheduled = Pending | { is: 'none' | 'too-late' | 'done' };
type Due = NameState & { dueAt: number };

export function scheduleDeletion(seen: Seen, names: Names, asked: Scheduling): Decision<Scheduled> {
  const { mode, over } = asked;
  const index = pendingKeyOf(names.prefix);
  const places = readPlaces(seen, names);
  const pending = firstPending(seen, names.prefix, places, over);
  const name = pending ?? places[0];
  if (name === undefined || (pending === undefined && mode === 'move'))
    return { answer: { is: endOf(places) } };
  if (pending !== undefined && isSent(pending))
    return { answer: mode === 'add' ? pendingOf('exists', pending) : { is: 'too-late' } };
  // What is void by now does not concern a request of this moment, though the clocks may differ.
  const askedAfter = asked.isNow ? Math.max(...places.map(({ voidBefore }) => voidBefore)) : 0;
  const writes: Command[] = [];
  if (pending === undefined && over !== undefined) writes.push(['ZREM', index, over]);
  if (pending !== undefined && mode !== 'add') writes.push(['ZADD', index, asked.dueAt, name.jobId]);
  const next =
    pending === undefined
      ? requestNew(name, asked, askedAfter, writes)
      : requestAgain(pending, asked, askedAfter, writes);
  lead(seen, names, next, over, writes);
  const is = mode === 'add' ? 'exists' : 'moved';
  return { answer: pendingOf(pending === undefined ? 'free' : is, next), writes };
}

/** One is pending. */
function requestAgain(pending: Due, asked: Scheduling, askedAfter: number, writes: Command[]): Due {
  const dueAt = asked.mode === 'add' ? pending.dueAt : asked.dueAt;
  if (asked.mode === 'move') return { ...pending, dueAt };
  // It counts from the last request: a return in between does not undo it.
  const requestedAt = Math.max(pending.requestedAt, asked.requestedAt);
  writes.push(['HSET', pending.key, 'requestedAt', requestedAt, 'askedAfter', askedAfter]);
  return { ...pending, dueAt, requestedAt };
}

/** None is pending. */
function requestNew(name: NameState, asked: Scheduling, askedAfter: number, writes: Command[]): Due {
  let { number, requestedAt } = name;
  if (name.isOver !== undefined || number < name.voidBelow || name.jobId === asked.over) {
    // A job id is used once.
    [number, requestedAt] = [number + 1, 0];
    writes.push(['HSET', name.key, 'number', number], ['HDEL', name.key, 'isOver', 'requestedAt']);
  }
  if (name.isKnown) writes.push(['HDEL', name.key, 'at', 'askedAfter']);
  if (askedAfter > 0) writes.push(['HSET', name.key, 'askedAfter', askedAfter]);
  return { ...name, number, requestedAt, jobId: jobIdOf(name.hash, number), dueAt: asked.dueAt };
}

function pendingOf(is: Pending['is'], { hash, number, jobId, dueAt, requestedAt }: Due): Pending {
  return { is, hash, number, jobId, dueAt, requestedAt };
}

/** What became of the last one, where none is pending. */
function endOf(places: readonly NameState[]): 'none' | 'too-late' | 'done' {
  const sent = places.find(
    ({ sentJob, cancelledJob }) => sentJob !== undefined && cancelledJob === undefined,
  );
  if (sent === undefined) return 'none';
  return sent.sentEnd === 'done' ? 'done' : 'too-late';
}

/** The other names lead to the one under which the deletion lies, and are kept as long. */
function lead(seen: Seen, { prefix, hashes }: Names, to: Due, over: string | undefined, writes: Command[]) {
  const others = hashes.filter((hash) => hash !== to.hash).map((hash) => readName(seen, prefix, hash));
  for (const { key, jobId } of others)
    if (jobId === over || seen.score(pendingKeyOf(prefix), jobId) === undefined)
      writes.push(['HSET', key, 'at', to.hash]);
  const written = new Set(writes.map(([, key]) => key));
  for (const name of [...others, to])
    if (name.isKnown || written.has(name.key)) writes.push(keep(seen, name, to.dueAt));
}

export interface Entry {
  hash: string;
  jobId: string;
  /** Epoch milliseconds. */
  dueAt: number;
  /** Id of the job whose place it takes. */
  replaces?: string | undefined;
}

/**
 * Enters a deletion into the index, once its job is added. One that takes the place of another voids that one. Answers `taken`: it was entered before; `too-late`: the other may have sent its DELETE; `gone`: the other pends no more.
 */
export function enterDeletion(
  seen: Seen,
  prefix: string,
  { hash, jobId, dueAt, replaces }: Entry,
): Decision<'entered' | 'taken' | 'too-late' | 'gone'> {
  const index = pendingKeyOf(prefix);
  const name = readName(seen, prefix, hash);
  const isEntered = seen.score(index, jobId) !== undefined;
  // A worker was faster.
  if (name.isOver !== undefined && name.jobId === jobId) return { answer: 'entered' };
  const writes: Command[] = [];
  if (replaces !== undefined) {
    if (name.jobId !== replaces || seen.score(index, name.jobId) === undefined)
      return { answer: isEntered ? 'taken' : 'gone' };
    if (isSent(name)) return { answer: 'too-late' };
    const number = name.number + 1;
    writes.push(['HSET', name.key, 'number', number, 'voidBelow', number], keep(seen, name, dueAt));
    writes.push(['ZREM', index, replaces]);
  }
  if (!isEntered) writes.push(['ZADD', index, dueAt, jobId]);
  return { answer: isEntered ? 'taken' : 'entered', writes };
}
