/**
 * What our producers give a job beside its data: a priority if it is one of many, an id that says that it was added under a key.
 */

/**
 * Of jobs that are added in bulk: an import, a reconciliation, a call for many users. BullMQ takes jobs without a priority first, then
 * those with the lowest number: a client's own priorities go before an import.
 */
export const BULK_PRIORITY = 1000;

/**
 * The id of a job with an idempotency key: another job of the same id is the same request.
 * @param hash 27 characters of base64url, of the key and what is asked for under it.
 */
export function keyedJobId(hash: string): string {
  return `key-${hash}`;
}

export function isKeyedJobId(jobId: string): boolean {
  return /^key-[\w-]{27}$/.test(jobId);
}
