/**
 * `damoov-users delete`: adds the deletion of a user, due at once or later.
 */
import { scheduledText } from '../deletions/report.ts';
import type { CommandContext } from '../common/command-context.ts';
import { type WaitOptions, printOutcome } from '../common/print-outcome.ts';
import { UsageError } from '../common/usage-error.ts';
import { type DueOptions, type UserOptions, named, withDeletions } from '../common/with-deletions.ts';
import { outputOf } from '../terminal/output.ts';

export interface DeleteOptions extends UserOptions, DueOptions, WaitOptions {
  reschedule?: boolean;
  suspend?: boolean;
  reason?: string;
  correlationId?: string;
  json?: boolean;
}

/** False if it was too late to move the deletion; with `--wait`, also if there was no user to delete. */
export async function deleteUser(options: DeleteOptions, context: CommandContext): Promise<boolean> {
  const { reason, correlationId, reschedule = false, suspend = false, wait = false, json = false } = options;
  const now = Date.now();
  const dueAt = options.at ?? now + (options.in ?? 0);
  if (suspend && dueAt <= now) throw new UsageError('--suspend: needs --in or --at, in the future');
  if (wait && dueAt > now) throw new UsageError('--wait: not for a deferred deletion');
  const request = {
    ...named(options),
    ...(reason !== undefined && { reason }),
    ...(correlationId !== undefined && { correlationId }),
  };
  return withDeletions(options, context, async ({ deletions, deletionLimit, results }) => {
    const scheduled = await deletions.schedule(request, dueAt, {
      reschedules: reschedule,
      suspends: suspend,
      requestedAt: now,
    });
    const isPending = scheduled !== 'too-late' && scheduled.is === 'exists' && scheduled.dueAt > Date.now();
    // A deletion that the deletion limit holds is due: it waits for approval.
    const isDeferred = isPending && !(await deletionLimit.holds(scheduled.jobId));
    if (!wait || scheduled === 'too-late' || isDeferred) {
      await outputOf(context.stdout).line(scheduledText(scheduled, now, json));
      if (wait && isDeferred)
        throw new Error('a deletion is pending already: --reschedule carries it out now');
      return scheduled !== 'too-late';
    }
    const { jobId } = scheduled;
    if (await deletionLimit.holds(jobId)) {
      context.stderr.write(
        'the deletion limit holds the deletion: `deletions release` or `refuse` decides\n',
      );
    }
    return printOutcome('user.deleted', options, context, (limit) => results.of(jobId, limit));
  });
}
