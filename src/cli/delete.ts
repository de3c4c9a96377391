/**
 * `damoov-users delete`: has a user deleted, at once or when it is due.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Queue } from 'bullmq';
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

/** False where it was too late to move the deletion, or where it failed while it was waited for. */
export async function deleteUser(options: DeleteOptions): Promise<boolean> {
  const { reason, correlationId, reschedule = false, wait = false, json = false } = options;
  const dueAt = options.at ?? Date.now() + (options.in ?? 0);
  if (wait && (options.at !== undefined || options.in !== undefined)) {
    throw new UsageError('--wait: not for a deletion that is deferred');
  }
  const request = {
    ...named(options),
    ...(reason !== undefined && { reason }),
    ...(correlationId !== undefined && { correlationId }),
  };
  const out = outputOf();
  return withDeletions(options, async (deletions, jobs) => {
    const scheduled = await deletions.schedule(request, dueAt, { reschedules: reschedule || wait });
    if (!wait || scheduled === 'too-late') {
      await out.line(scheduledText(scheduled, Date.now(), json));
      return scheduled !== 'too-late';
    }
    const event = await endOf(jobs, scheduled.jobId);
    await out.line(JSON.stringify(event));
    return event.type !== 'user.failed';
  });
}

/** How the job ended, as its event tells it. */
async function endOf(jobs: Queue, jobId: string): Promise<{ type: string; data: unknown }> {
  for (;;) {
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
