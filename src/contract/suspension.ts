/**
 * The jobs that suspend a user until its deferred deletion, and resume it if that is cancelled. Their ids follow from the deletion, so
 * each may be added again.
 */

/** A suspension: the name under which the deletion lies, and when it was requested, in epoch milliseconds. */
export interface Suspension {
  hash: string;
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
