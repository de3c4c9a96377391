/**
 * The ids of jobs that were added under an idempotency key: by them a worker knows that another job of the same id is the same request.
 */

/** @param hash 27 characters of base64url, of the key and what is asked for under it. */
export function keyedJobId(hash: string): string {
  return `key-${hash}`;
}

export function isKeyedJobId(jobId: string): boolean {
  return /^key-[\w-]{27}$/.test(jobId);
}
