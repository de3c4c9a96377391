/**
 * Derives the UserId of a sign-up, so that every delivery, on any worker, requests the same one. Keeps no state.
 */
import { keyedHash } from '../contract/keyed-hash.ts';
import type { Instance, UserRecord } from './context.ts';
import type { Knowledge } from './step.ts';

/** The identity of a sign-up: its clientId, else its row in a list, else its job. */
export type SignUp = { clientId: string } | { row: object } | { jobId: string; timestamp: number };

/**
 * The UserId of a sign-up: a UUID (version 8, RFC 9562) cut from an HMAC-SHA256. It cannot be guessed without the instance's secret from
 * public values, which matters because a UserId together with the InstanceKey logs a user in.
 *
 * A job id alone is not enough: an emptied Redis counts from 1 again, and the new job 1 would get the user of the old one. Hence the
 * timestamp.
 * @param generation 0 for the first user of this sign-up.
 */
export function deriveUserId(
  instance: Pick<Instance, 'id' | 'secret'>,
  signUp: SignUp,
  generation = 0,
): string {
  const subject = JSON.stringify(['user-id', instance.id.toLowerCase(), ...subjectOf(signUp), generation]);
  const hex = keyedHash(instance.secret, subject, 'hex');
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 0x3) | 0x8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

function subjectOf(signUp: SignUp): unknown[] {
  if ('clientId' in signUp) return ['client', signUp.clientId];
  return 'row' in signUp ? ['row', signUp.row] : ['job', signUp.jobId, signUp.timestamp];
}

/** The possible generations of a sign-up's user: the record may have missed the create that made it. */
export function generationsOf({ generation }: { generation: number }): number[] {
  return [generation, generation + 1, generation + 2];
}

/** Whether this is the id that we derive for a user of the clientId. */
export function isDerivedFrom(
  clientId: string,
  userId: string,
  { instance, record }: { instance: Pick<Instance, 'id' | 'secret'>; record: { generation: number } },
): boolean {
  const generations = new Set([0, ...generationsOf(record)]);
  return [...generations].some((generation) => deriveUserId(instance, { clientId }, generation) === userId);
}

/** The id that a create in doubt requested: a UserId, or the generation of a derived one. */
export function askedFor(userId: string | undefined, record: UserRecord): string {
  return userId ?? `${DERIVED}${generationToAsk(record)}`;
}

/** The generation that a create requests: it never requests a recorded id, or one that may be spent. */
export function generationToAsk(record: UserRecord): number {
  const isPast = record.state === 'live' || record.state === 'deleted' || record.deletingSince !== undefined;
  return record.generation + (isPast ? 1 : 0);
}

/** The ids that unanswered creates of this clientId requested. */
export function idsInDoubt(
  clientId: string,
  { instance, record, userIdMode }: Pick<Knowledge, 'instance' | 'record' | 'userIdMode'>,
): string[] {
  const { isInDoubt, doubtAbout = [] } = record;
  return (isInDoubt ? doubtAbout : []).flatMap((requested) => {
    if (!requested.startsWith(DERIVED)) return [requested];
    // If Damoov chooses the ids, the chosen one is unknown.
    if (userIdMode === 'assigned') return [];
    return [deriveUserId(instance, { clientId }, Number(requested.slice(DERIVED.length)))];
  });
}
const DERIVED = 'derived:';
