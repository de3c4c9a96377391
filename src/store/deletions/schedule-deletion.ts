/** Decides over a request for a deletion: whether one is pending already, or under which id a new one may be added. Adds no job. */
import type { Command, Decision, Seen } from '../../redis/change.ts';
import { type Names, pendingKeyOf } from './deletion-names.ts';
import { type NameState, dueAtOf, isSent, jobIdOf, keep, readName, readPlaces } from './name-state.ts';

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

export function scheduleDeletion(seen: Seen, names: Names, asked: Scheduling): Decision<Scheduled> {
  const places = readPlaces(seen, names);
  const dueAts = places.map((name) =>
    name.jobId === asked.over ? undefined : dueAtOf(seen, names.prefix, name),
  );
  const pending = dueAts.findIndex((dueAt) => dueAt !== undefined);
  // What is void by now does not concern a request of this moment, though the clocks may differ.
  const askedAfter = asked.isNow ? Math.max(...places.map(({ voidBefore }) => voidBefore)) : 0;
  const [name, dueAt] = [places[pending], dueAts[pending]];
  if (name !== undefined && dueAt !== undefined)
    return requestAgain(seen, names, { ...asked, askedAfter }, name, dueAt);
  const [first] = places;
  if (first === undefined || asked.mode === 'move') return { answer: { is: endOf(places) } };
  return requestNew(seen, names, { ...asked, askedAfter }, first);
}

type Request = Scheduling & { askedAfter: number };

/** One is pending. */
function requestAgain(
  seen: Seen,
  names: Names,
  asked: Request,
  name: NameState,
  dueAt: number,
): Decision<Scheduled> {
  const { mode, askedAfter } = asked;
  const isMoved = mode !== 'add';
  if (isSent(name)) return { answer: isMoved ? { is: 'too-late' } : pendingOf('exists', { ...name, dueAt }) };
  const writes: Command[] = [];
  // It counts from the last request: a return in between does not undo it.
  const requestedAt = mode === 'move' ? name.requestedAt : Math.max(name.requestedAt, asked.requestedAt);
  if (mode !== 'move') writes.push(['HSET', name.key, 'requestedAt', requestedAt, 'askedAfter', askedAfter]);
  if (isMoved) writes.push(['ZADD', pendingKeyOf(names.prefix), asked.dueAt, name.jobId]);
  const next = { ...name, requestedAt, dueAt: isMoved ? asked.dueAt : dueAt };
  lead(seen, names, asked, next, writes);
  return { answer: pendingOf(isMoved ? 'moved' : 'exists', next), writes };
}

/** None is pending. */
function requestNew(seen: Seen, names: Names, asked: Request, name: NameState): Decision<Scheduled> {
  const { over, askedAfter, dueAt } = asked;
  const writes: Command[] = over === undefined ? [] : [['ZREM', pendingKeyOf(names.prefix), over]];
  let { number, requestedAt } = name;
  if (name.isOver !== undefined || number < name.voidBelow || name.jobId === over) {
    // A job id is used once.
    number += 1;
    requestedAt = 0;
    writes.push(['HSET', name.key, 'number', number], ['HDEL', name.key, 'isOver', 'requestedAt']);
  }
  if (name.isKnown) writes.push(['HDEL', name.key, 'at', 'askedAfter']);
  if (askedAfter > 0) writes.push(['HSET', name.key, 'askedAfter', askedAfter]);
  const next = { ...name, number, requestedAt, dueAt, jobId: jobIdOf(name.hash, number) };
  lead(seen, names, asked, next, writes);
  return { answer: pendingOf('free', next), writes };
}

function pendingOf(is: Pending['is'], name: Omit<Pending, 'is'>): Pending {
  const { hash, number, jobId, dueAt, requestedAt } = name;
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
function lead(
  seen: Seen,
  { prefix, hashes }: Names,
  { over }: Request,
  to: NameState & { dueAt: number },
  writes: Command[],
): void {
  const others = hashes.filter((hash) => hash !== to.hash).map((hash) => readName(seen, prefix, hash));
  for (const name of others)
    if (name.jobId === over || dueAtOf(seen, prefix, name) === undefined)
      writes.push(['HSET', name.key, 'at', to.hash]);
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
  const isEntered = dueAtOf(seen, prefix, { jobId }) !== undefined;
  // A worker was faster.
  if (name.isOver !== undefined && name.jobId === jobId) return { answer: 'entered' };
  const writes: Command[] = [];
  if (replaces !== undefined) {
    if (name.jobId !== replaces || dueAtOf(seen, prefix, name) === undefined)
      return { answer: isEntered ? 'taken' : 'gone' };
    if (isSent(name)) return { answer: 'too-late' };
    const number = name.number + 1;
    writes.push(['HSET', name.key, 'number', number, 'voidBelow', number], keep(seen, name, dueAt));
    writes.push(['ZREM', index, replaces]);
  }
  if (!isEntered) writes.push(['ZADD', index, dueAt, jobId]);
  return { answer: isEntered ? 'taken' : 'entered', writes };
}
