/**
 * Promotes the blocked jobs that a script names. A job that is gone leaves the user's queue, and the next one is promoted.
 */
import type { JobQueue } from '../../lifecycle/ports/job-queue.ts';
import { Wakes } from './script-replies.ts';
import type { UserStep } from './user-scripts.ts';

export type WakeBlocked = (wakes: readonly string[]) => Promise<void>;

export function createWakeBlocked(jobQueue: Pick<JobQueue, 'promote'>, withdraw: UserStep): WakeBlocked {
  return wakeBlocked;

  /** A job whose promotion fails runs when its own delay ends. */
  async function wakeBlocked(wakes: readonly string[]): Promise<void> {
    await Promise.all(wakes.map((wake) => promoteOne(wake).catch(() => {})));
  }

  async function promoteOne(wake: string): Promise<void> {
    const at = wake.indexOf(' ');
    const [place, jobId] = [wake.slice(0, at), wake.slice(at + 1)];
    if ((await jobQueue.promote(jobId)) !== 'gone' || place === '') return;
    await wakeBlocked(Wakes.parse(await withdraw([], { place, jobId })));
  }
}
