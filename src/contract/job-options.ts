/**
 * The options that our producers set for a job: a priority for bulk jobs, and ids that say what a job is.
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

/**
 * The suspension of a user until its deferred deletion. A job suspends the user, and if the deletion is cancelled another one resumes it;
 * each may be added again.
 */
export interface Suspension {
  /** Of the name under which the deletion lies. */
  hash: string;
  /** When it was requested, in epoch milliseconds. */
  at: number;
}

export function suspendingJobId({ hash, at }: Suspension): string {
  return `suspend-${hash}-${at}`;
}

export function resumingJobId({ hash, at }: Suspension): string {
  return `resume-${hash}-${at}`;
}

/** The suspension that a job carries out; undefined if it is another job. */
export function suspensionOf(jobId: string): Suspension | undefined {
  const [, hash, at] = /^suspend-([\w-]{16})-(\d{1,15})$/.exec(jobId) ?? [];
  return hash === undefined ? undefined : { hash, at: Number(at) };
}
