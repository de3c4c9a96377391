/**
 * Stores the tokens of a new user for callers that wait for the result: an hour at most, and no longer than the user exists. The queue
 * keeps no tokens: a job's return value stays in BullMQ's stream of events indefinitely.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';

/** How long tokens are stored, in seconds. */
export const KEEP_TOKENS_S = 3600;

/** One key per user: a repeated sign-up gets new tokens, which replace the old ones. */
export function userTokensKey(prefix: string, userId: string): string {
  const hash = createHash('sha256').update(userId.toLowerCase()).digest('base64url').slice(0, 22);
  return `${prefix}:tokens:${hash}`;
}

/** The stored value. */
export const UserTokens = z.object({
  /** The job that got them. */
  jobId: z.string(),
  accessToken: z.string().optional(),
  refreshToken: z.string().optional(),
});
export type UserTokens = z.infer<typeof UserTokens>;
