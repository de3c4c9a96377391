/**
 * Which users are suspended until their deletion. A request asks for it; the deletion's own job suspends and resumes the user.
 */
import type { Suspension } from '../../operations/context.ts';
import type { DeletionRun, LockProof, SuspensionStep } from '../../lifecycle/ports/deletion-guard.ts';
import type { Command, Decision, Seen } from '../../redis/change.ts';
import { type Names, pendingKeyOf } from './deletion-names.ts';
import {
  type NameState,
  type Standing,
  isSent,
  keep,
  ownNameOf,
  readName,
  standingOf,
  suspensionOf,
} from './name-state.ts';

/** Asks for it; false if the deletion is over, or is being carried out. */
export function askSuspension(seen: Seen, prefix: string, jobId: string): Decision<boolean> {
  const own = ownNameOf(jobId);
  const name = own && readName(seen, prefix, own.hash);
  const dueAt = seen.score(pendingKeyOf(prefix), jobId);
  if (name?.jobId !== jobId || dueAt === undefined || isSent(name)) return { answer: false };
  return { answer: true, writes: [stateOf(name, 'asked', name.number, dueAt), keep(seen, name, dueAt)] };
}

function stateOf(
  name: NameState,
  state: string,
  number: number,
  dueAt: number,
  userId = suspensionOf(name, number)?.userId ?? '',
): Command {
  return ['HSET', name.key, 'suspension', `${state} ${number} ${dueAt} ${userId}`];
}

/** The suspension of a deletion; undefined if it suspends nobody. */
function askedFor(seen: Seen, prefix: string, jobId: string) {
  const own = ownNameOf(jobId);
  if (own === undefined) return undefined;
  const name = readName(seen, prefix, own.hash);
  const known = suspensionOf(name, own.number);
  return known && { name, number: own.number, known };
}

/** Notes the new due time of a moved deletion; false if it suspends nobody. */
export function moveSuspension(seen: Seen, prefix: string, jobId: string): Decision<boolean> {
  const asked = askedFor(seen, prefix, jobId);
  const dueAt = seen.score(pendingKeyOf(prefix), jobId);
  if (asked === undefined) return { answer: false };
  const { name, number, known } = asked;
  return dueAt === undefined
    ? { answer: true }
    : { answer: true, writes: [stateOf(name, known.state, number, dueAt), keep(seen, name, dueAt)] };
}

type Waits = { does: 'await'; dueAt: number; userId: string | undefined };

/** What a deletion has to do before it is due, or if it is void; undefined if it suspends nobody. */
export function suspensionFor(
  { own, void: reason, isSent }: Standing,
  pendingUntil: number | undefined,
  now: number,
): Suspension | Waits | undefined {
  const known = own && suspensionOf(own, own.number);
  if (own === undefined || known === undefined || isSent) return undefined;
  const [{ hash: name }, { userId }] = [own, known];
  if (reason !== undefined)
    return { does: 'resume', name, userId, by: reason === 'cancelled' ? 'cancellation' : 'create' };
  // A failed deletion is not in the index; its due time is unchanged.
  const dueAt = pendingUntil ?? known.dueAt;
  if (dueAt <= now) return { does: 'delete', name, userId };
  const isOpen = known.state === 'asked' || known.state === 'sent';
  return isOpen ? { does: 'suspend', name, userId, dueAt } : { does: 'await', dueAt, userId };
}

/** Whether it was moved since its run began, and is not due now. */
export function awaitsDue(standing: Standing, pendingUntil: number | undefined, now: number): boolean {
  const does = suspensionFor(standing, pendingUntil, now)?.does;
  return does === 'suspend' || does === 'await';
}

/** Marks the deletion as void under its own name, too. */
export function noteVoid(
  seen: Seen,
  { own, requestedAt }: Standing,
  reason: 'cancelled' | 'returned',
): Command[] {
  if (own === undefined || suspensionOf(own, own.number) === undefined) return [];
  const field = reason === 'cancelled' ? 'voidBelow' : 'returnedAt';
  const least = reason === 'cancelled' ? own.number + 1 : requestedAt + 1;
  return [['HSET', own.key, field, Math.max(own[field], least)], keep(seen, own)];
}

export function authorizeSuspension(
  seen: Seen,
  names: Names,
  run: DeletionRun,
  lock: LockProof,
  { does, userId, signedUpAt = 0 }: SuspensionStep,
): Decision<'go' | 'changed' | 'lost'> {
  const standing = standingOf(seen, names, run);
  const index = pendingKeyOf(names.prefix);
  const { own } = standing;
  if (seen.text('HGET', lock.key, lock.field) !== lock.value) return { answer: 'lost' };
  if (own === undefined) return { answer: 'changed' };
  const isReturned = standing.requestedAt < signedUpAt;
  const reason = standing.void ?? (isReturned ? 'returned' : undefined);
  // A later request must not renew it: that is another deletion.
  const over: Command[] = [
    ['ZREM', index, run.jobId],
    ...(own.jobId === run.jobId ? [['HSET', own.key, 'isOver', 1] as const] : []),
    ...(reason === undefined ? [] : noteVoid(seen, standing, reason)),
  ];
  if (does === 'resume') return reason === undefined ? { answer: 'changed' } : { answer: 'go', writes: over };
  if (reason !== undefined) return { answer: 'changed', writes: over };
  const dueAt = seen.score(index, run.jobId) ?? suspensionOf(own, own.number)?.dueAt;
  if (dueAt === undefined) return { answer: 'changed' };
  return {
    answer: 'go',
    writes: [
      ['HSET', lock.key, 'suspendedBy', own.hash],
      stateOf(own, 'sent', own.number, dueAt, userId),
      keep(seen, own, dueAt),
    ],
  };
}

export function noteSuspension(
  seen: Seen,
  prefix: string,
  jobId: string,
  state: 'suspended' | 'unchanged',
): Decision<undefined> {
  const asked = askedFor(seen, prefix, jobId);
  if (asked === undefined) return { answer: undefined };
  const { name, number, known } = asked;
  // A later request has changed it.
  const isOver =
    state === 'suspended' ? known.state !== 'sent' : known.state !== 'asked' && known.state !== 'sent';
  return isOver
    ? { answer: undefined }
    : { answer: undefined, writes: [stateOf(name, state, number, known.dueAt)] };
}
