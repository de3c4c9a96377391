/**
 * Which users are suspended until their deletion: it is asked for with the request, and done and undone by the job of the deletion itself.
 */
import type { Suspension } from '../../operations/context.ts';
import type { DeletionRun, LockProof } from '../../lifecycle/ports/deletion-guard.ts';
import type { Command, Decision, Seen } from '../../redis/change.ts';
import { type Names, pendingKeyOf } from './deletion-names.ts';
import { type Standing, isSent, keep, ownNameOf, readName, standingOf, suspensionOf } from './name-state.ts';

/** Asks for it; false if the deletion is over, or is being carried out. */
export function askSuspension(seen: Seen, prefix: string, jobId: string): Decision<boolean> {
  const own = ownNameOf(jobId);
  const name = own && readName(seen, prefix, own.hash);
  const dueAt = seen.score(pendingKeyOf(prefix), jobId);
  if (name?.jobId !== jobId || dueAt === undefined || isSent(name)) return { answer: false };
  const asked: Command = ['HSET', name.key, 'suspension', `asked ${name.number}`];
  return { answer: true, writes: [asked, keep(seen, name, dueAt)] };
}

/** Whether it goes on with the suspension of the deletion whose place it has taken. */
export function suspendsAlso(seen: Seen, prefix: string, jobId: string): Decision<boolean> {
  const own = ownNameOf(jobId);
  return {
    answer: own !== undefined && suspensionOf(readName(seen, prefix, own.hash), own.number) !== undefined,
  };
}

/** What a deletion has to do before it is due, or if it is void; undefined if it suspends nobody. */
export function suspensionFor(
  { own, void: reason, isSent }: Standing,
  dueAt: number | undefined,
  now: number,
): Suspension | { does: 'await'; dueAt: number } | undefined {
  const state = own && suspensionOf(own, own.number);
  if (own === undefined || state === undefined || isSent) return undefined;
  const { hash: name } = own;
  const isRemembered = state === 'sent' || state === 'suspended';
  if (reason !== undefined) {
    const by = reason === 'cancelled' ? 'cancellation' : 'create';
    return { does: 'resume', name, by, isRemembered };
  }
  if (dueAt === undefined || dueAt <= now) return { does: 'delete', name, isRemembered };
  const isOpen = state === 'asked' || state === 'sent';
  return isOpen ? { does: 'suspend', name, dueAt } : { does: 'await', dueAt };
}

export function authorizeSuspension(
  seen: Seen,
  names: Names,
  run: DeletionRun,
  lock: LockProof,
): Decision<'go' | 'void' | 'lost'> {
  const standing = standingOf(seen, names, run);
  const index = pendingKeyOf(names.prefix);
  const { own } = standing;
  const dueAt = seen.score(index, run.jobId);
  if (seen.text('HGET', lock.key, lock.field) !== lock.value) return { answer: 'lost' };
  if (own === undefined || dueAt === undefined || standing.void !== undefined) return { answer: 'void' };
  // A cancellation that names the user by another id finds the deletion.
  const others = standing.names.filter(
    ({ hash, jobId }) => hash !== own.hash && seen.score(index, jobId) === undefined,
  );
  return {
    answer: 'go',
    writes: [
      ['HSET', lock.key, 'suspendedBy', own.hash],
      ['HSET', own.key, 'suspension', `sent ${own.number}`],
      keep(seen, own, dueAt),
      ...others.flatMap((name): Command[] => [['HSET', name.key, 'at', own.hash], keep(seen, name, dueAt)]),
    ],
  };
}

export function noteSuspension(
  seen: Seen,
  prefix: string,
  jobId: string,
  state: 'suspended' | 'unchanged',
): Decision<undefined> {
  const own = ownNameOf(jobId);
  const name = own && readName(seen, prefix, own.hash);
  const known = own && name && suspensionOf(name, own.number);
  // Asked for again since.
  const isOver = state === 'suspended' ? known !== 'sent' : known !== 'asked' && known !== 'sent';
  if (own === undefined || name === undefined || isOver) return { answer: undefined };
  return { answer: undefined, writes: [['HSET', name.key, 'suspension', `${state} ${own.number}`]] };
}
