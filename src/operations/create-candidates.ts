/**
 * The users that may belong to a sign-up: the recorded one, then those under the ids that the sign-up may request.
 */
import type { CreateUserJob } from '../contract/job.ts';
import { sameUserId } from '../damoov/wire.ts';
import type { UserRecord } from './context.ts';
import { deriveUserId } from './derive-user-id.ts';
import { nextGeneration, NOTHING_WRITTEN } from './newer-knowledge.ts';
import type { Knowledge } from './step.ts';

export type SignUp = CreateUserJob['data'];

/** A user that may belong to the sign-up. */
export interface Candidate {
  /** Undefined if Damoov chooses the id. */
  userId: string | undefined;
  generation: number;
  /** The record says that this user exists. */
  isRemembered: boolean;
  record: UserRecord;
}

/** This candidate is not the one: it is gone, or belongs to another sign-up. */
export const NEXT = 'next';

/** Maximum number of ids tried for one sign-up. */
export const MOST_CANDIDATES = 8;

/** The candidates of the sign-up, the likeliest first. */
export function* candidatesOf(
  signUp: SignUp,
  { record, userIdMode, instance, job, derivedId }: Knowledge,
): Generator<Candidate> {
  const { userId, generation } = record;
  const isChosen = signUp.userId === undefined && userIdMode === 'assigned';
  const isNamed = userId !== undefined && signUp.userId !== undefined && sameUserId(signUp.userId, userId);
  const isMeant = record.state === 'live' || (record.state === 'mismatched' && (isChosen || isNamed));
  const isRemembered = userId !== undefined && isMeant;
  if (isRemembered) yield { userId, generation, isRemembered, record };
  // If the user is gone or belongs to another sign-up, the next one has none of its written fields.
  const gone: UserRecord = isRemembered
    ? { ...record, state: 'deleted', lastSeenAt: undefined, ...NOTHING_WRITTEN }
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
      next === first
        ? gone
        : { ...gone, state: 'deleted' as const, lastSeenAt: undefined, ...NOTHING_WRITTEN };
    const known = next === 0 ? derivedId : undefined;
    yield { ...wanted, record, userId: known ?? deriveUserId(instance, subject, next), generation: next };
  }
}

export function isFirst({ generation }: Candidate, { record }: Knowledge): boolean {
  return generation === nextGeneration(record);
}
