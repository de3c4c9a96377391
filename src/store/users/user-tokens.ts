/**
 * Where the tokens of a user lie for those who wait for the result of its sign-up: an hour at the most, and no longer than the user.
 * The queue keeps none: what a job returns stays in its stream of events, without a time.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';

/** How long they lie there, in seconds. */
export const KEEP_TOKENS_S = 3600;

/** One a user: whoever signs up again gets others, and they are the last ones'. */
export function userTokensKey(prefix: string, userId: string): string {
  const hash = createHash('sha256').update(userId.toLowerCase()).digest('base64url').slice(0, 22);
  return `${prefix}:tokens:${hash}`;
}

/** What lies there. */
export const UserTokens = z.object({
  /** Of the job that got them. */
  jobId: z.string(),
  accessToken: z.string().optional(),
  refreshToken: z.string().optional(),
});
export type UserTokens = z.infer<typeof UserTokens>;
