/**
 * `damoov-users delete`: has a user deleted, at once or when it is due.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Queue } from 'bullmq';
import type { Brake } from '../redis/gates/brake.ts';
import { scheduledText } from './deletions-report.ts';
import { outputOf } from './output.ts';
import { UsageError } from './usage-error.ts';
import { type UserOptions, named, withDeletions } from './with-deletions.ts';

export interface DeleteOptions extends UserOptions {
  /** Milliseconds from now. */
  in?: number;
  /** Epoch milliseconds. */
  at?: number;
  reschedule?: boolean;
  reason?: string;
  correlationId?: string;
  wait?: boolean;
  json?: boolean;
}

const LOOK_MS = 200;

/** False where it was too late to move the deletion, or where it was waited for and deleted nobody. */
export async function deleteUser(options: DeleteOptions): Promise<boolean> {
  const { reason, correlationId, reschedule = false, wait = false, json = false } = options;
  const now = Date.now();
  const dueAt = options.at ?? now + (options.in ?? 0);
  if (wait && dueAt > now) throw new UsageError('--wait: not for a deletion that is deferred');
  const request = {
    ...named(options),
    ...(reason !== undefined && { reason }),
    ...(correlationId !== undefined && { correlationId }),
  };
  const out = outputOf();
  return withDeletions(options, async (deletions, jobs, brake) => {
    const scheduled = await deletions.schedule(request, dueAt, { reschedules: reschedule });
    const isPending = scheduled !== 'too-late' && scheduled.is === 'exists' && scheduled.dueAt > Date.now();
    if (wait && isPending) {
      await out.line(scheduledText(scheduled, Date.now(), json));
      throw new Error('one is pending already: --reschedule has it carried out now');
    }
    if (!wait || scheduled === 'too-late') {
      await out.line(scheduledText(scheduled, Date.now(), json));
      return scheduled !== 'too-late';
    }
    const end = await endOf(jobs, brake, scheduled.jobId);
    await out.line(JSON.stringify(end));
    return end.type === 'user.deleted';
  });
}

/** How the job ended, by the type and the data of its event. */
async function endOf(jobs: Queue, brake: Brake, jobId: string): Promise<{ type: string; data: unknown }> {
  for (let isTold = false; ;) {
    if (!isTold && (await brake.holds(jobId))) {
      process.stderr.write('the brake holds the deletion: `deletions release` or `refuse` decides\n');
      isTold = true;
    }
    const job = await jobs.getJob(jobId);
    if (job === undefined) throw new Error(`job ${jobId} is over: its event is on the events queue`);
    if (job.finishedOn !== undefined) {
      const data: unknown = job.returnvalue;
      if (typeof data !== 'object' || data === null) {
        return { type: 'user.failed', data: { jobId, message: job.failedReason } };
      }
      return { type: 'by' in data ? 'user.superseded' : 'user.deleted', data };
    }
    await sleep(LOOK_MS);
  }
}
