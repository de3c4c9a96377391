/**
 * Promotes the blocked jobs that a script names. A job that is gone leaves the user's queue, and the next one is promoted.
 */
import type { JobQueue } from '../../lifecycle/ports/job-queue.ts';
import { Promotions } from './script-replies.ts';
import type { UserStep } from './user-scripts.ts';

export type PromoteBlocked = (promotions: readonly string[]) => Promise<void>;

export function createPromoteBlocked(
  jobQueue: Pick<JobQueue, 'promote'>,
  withdraw: UserStep,
): PromoteBlocked {
  return promoteBlocked;

  /** A job whose promotion fails runs when its own delay ends. */
  async function promoteBlocked(promotions: readonly string[]): Promise<void> {
    await Promise.all(promotions.map((promotion) => promoteOne(promotion).catch(() => {})));
  }

  async function promoteOne(promotion: string): Promise<void> {
    const at = promotion.indexOf(' ');
    const [recordId, jobId] = [promotion.slice(0, at), promotion.slice(at + 1)];
    if ((await jobQueue.promote(jobId)) !== 'gone' || recordId === '') return;
    await promoteBlocked(Promotions.parse(await withdraw([], { recordId, jobId })));
  }
}
