/**
 * Derives the UserId of a sign-up, so that every delivery of it, on any worker, asks for the same one. Keeps no state.
 */
import { createHmac } from 'node:crypto';
import type { Instance } from './context.ts';

/** What a sign-up is recognised by: its clientId, or the very job where it has none. */
export type SignUp = { clientId: string } | { jobId: string; timestamp: number };

/**
 * The UserId of a sign-up: a UUID (version 8, RFC 9562) cut from an HMAC-SHA256. Whoever lacks the instance's secret
 * cannot guess it from public values, which matters because a UserId together with the InstanceKey logs a user in.
 *
 * A job id alone would not do: a Redis that was emptied counts from 1 again, and the new job 1 would be given the user of
 * the old one. Hence the timestamp.
 * @param generation 0 for the first user of this sign-up.
 */
export function deriveUserId(
  instance: Pick<Instance, 'id' | 'secret'>,
  signUp: SignUp,
  generation = 0,
): string {
  const subject =
    'clientId' in signUp ? ['client', signUp.clientId] : ['job', signUp.jobId, signUp.timestamp];
  const digest = createHmac('sha256', instance.secret)
    .update(JSON.stringify(['user-id', instance.id.toLowerCase(), ...subject, generation]))
    .digest();
  const bytes = digest.subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
