/**
 * The options that our producers set for a job: a priority for bulk jobs, and an id for an idempotency key.
 */

/**
 * The priority of bulk jobs: an import, a reconciliation, a call for many users. BullMQ takes jobs without a priority first, then those
 * with the lowest number: a client's own priorities precede an import.
 */
export const BULK_PRIORITY = 1000;

/**
 * The id of a job with an idempotency key: another job with this id is the same request.
 * @param hash 27 characters of base64url, of the key and the request.
 */
export function keyedJobId(hash: string): string {
  return `key-${hash}`;
}

export function isKeyedJobId(jobId: string): boolean {
  return /^key-[\w-]{27}$/.test(jobId);
}
