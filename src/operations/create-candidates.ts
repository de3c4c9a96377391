/**
 * The users that may be the one of a sign-up: the remembered one, then those under the ids that it may ask for.
 */
import type { CreateUserJob } from '../contract/job.ts';
import { sameUserId } from '../damoov/wire.ts';
import type { UserRecord } from './context.ts';
import { deriveUserId } from './derive-user-id.ts';
import { nextGeneration } from './newer-knowledge.ts';
import type { Knowledge } from './step.ts';

export type SignUp = CreateUserJob['data'];

/** A user that may be the one of the sign-up. */
export interface Candidate {
  /** Undefined if Damoov chooses the id. */
  userId: string | undefined;
  generation: number;
  /** The record says that this user is there. */
  isRemembered: boolean;
  /** Its record. */
  record: UserRecord;
}

/** It is not this one: gone, or another's. */
export const NEXT = 'next';

/** So many ids of a sign-up are tried. */
export const MOST_CANDIDATES = 8;

/** The users that may be the sign-up's, the likeliest first. */
export function* candidatesOf(
  signUp: SignUp,
  { record, userIdMode, instance, job }: Knowledge,
): Generator<Candidate> {
  const { userId, generation } = record;
  const isChosen = signUp.userId === undefined && userIdMode === 'assigned';
  const isNamed = userId !== undefined && signUp.userId !== undefined && sameUserId(signUp.userId, userId);
  const isMeant = record.state === 'live' || (record.state === 'mismatched' && (isChosen || isNamed));
  const isRemembered = userId !== undefined && isMeant;
  if (isRemembered) yield { userId, generation, isRemembered, record };
  // Of a user that is gone, or another's, nothing that was written counts for the next one.
  const gone: UserRecord = isRemembered
    ? { ...record, state: 'deleted', madeAt: undefined, fields: {} }
    : record;
  const first = nextGeneration(gone);
  const wanted = { isRemembered: false, record: gone };
  if (signUp.userId !== undefined || isChosen) {
    yield { ...wanted, userId: signUp.userId, generation: first };
    return;
  }
  const { clientId } = signUp;
  const subject = clientId !== undefined ? { clientId } : { jobId: job.id, timestamp: job.timestamp };
  for (let next = first; next < first + MOST_CANDIDATES; next += 1) {
    const record =
      next === first ? gone : { ...gone, state: 'deleted' as const, madeAt: undefined, fields: {} };
    yield { ...wanted, record, userId: deriveUserId(instance, subject, next), generation: next };
  }
}

export function isFirst({ generation }: Candidate, { record }: Knowledge): boolean {
  return generation === nextGeneration(record);
}
