/**
 * `damoov-users delete`: has a user deleted, at once or when it is due.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Brake } from '../../store/circuits/deletion-limit.ts';
import type { CommandContext } from '../shared/command-context.ts';
import { scheduledText } from '../deletions/report.ts';
import { outputOf } from '../terminal/output.ts';
import { tellEnd } from '../shared/print-outcome.ts';
import { UsageError } from '../shared/usage-error.ts';
import { type UserOptions, named, withDeletions } from '../shared/with-deletions.ts';

export interface DeleteOptions extends UserOptions {
  /** Milliseconds from now. */
  in?: number;
  /** Epoch milliseconds. */
  at?: number;
  reschedule?: boolean;
  reason?: string;
  correlationId?: string;
  wait?: boolean;
  /** Milliseconds. */
  timeout: number;
  json?: boolean;
}

const LOOK_MS = 200;

/** False where it was too late to move the deletion, or where it was waited for and deleted nobody. */
export async function deleteUser(options: DeleteOptions, context: CommandContext): Promise<boolean> {
  const { reason, correlationId, reschedule = false, wait = false, json = false } = options;
  const now = Date.now();
  const dueAt = options.at ?? now + (options.in ?? 0);
  if (wait && dueAt > now) throw new UsageError('--wait: not for a deletion that is deferred');
  const request = {
    ...named(options),
    ...(reason !== undefined && { reason }),
    ...(correlationId !== undefined && { correlationId }),
  };
  const out = outputOf(context.stdout);
  return withDeletions(options, context, async ({ deletions, brake, resultOf, whatHolds }) => {
    const scheduled = await deletions.schedule(request, dueAt, {
      reschedules: reschedule,
      requestedAt: now,
    });
    const isPending = scheduled !== 'too-late' && scheduled.is === 'exists' && scheduled.dueAt > Date.now();
    // One that the brake holds is due: it waits for a decision.
    if (wait && isPending && !(await brake.holds(scheduled.jobId))) {
      await out.line(scheduledText(scheduled, now, json));
      throw new Error('one is pending already: --reschedule has it carried out now');
    }
    if (!wait || scheduled === 'too-late') {
      await out.line(scheduledText(scheduled, now, json));
      return scheduled !== 'too-late';
    }
    const { jobId } = scheduled;
    const over = new AbortController();
    const held = tellIfHeld(brake, jobId, over.signal, context);
    try {
      return await tellEnd(
        'user.deleted',
        options,
        context,
        (limit) => resultOf(jobId, limit),
        () => whatHolds(jobId),
      );
    } finally {
      over.abort();
      await held;
    }
  });
}

/** Once: who waits for a deletion that the brake holds has to decide over it. */
async function tellIfHeld(
  brake: Brake,
  jobId: string,
  over: AbortSignal,
  { stderr }: CommandContext,
): Promise<void> {
  while (!over.aborted) {
    // Where Redis is away the wait itself says so.
    if (await brake.holds(jobId).catch(() => false)) {
      stderr.write('the brake holds the deletion: `deletions release` or `refuse` decides\n');
      return;
    }
    await sleep(LOOK_MS, undefined, { signal: over }).catch(() => {});
  }
}
