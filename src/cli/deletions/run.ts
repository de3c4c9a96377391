/**
 * `damoov-users deletions list|cancel|reschedule`: shows, cancels or reschedules pending deletions.
 */
import type { Deletion } from '../../store/deletions/deletion-list.ts';
import { type Deletions, dueFaultOf } from '../../store/deletions/deletions.ts';
import type { CommandContext } from '../common/command-context.ts';
import { UsageError } from '../common/usage-error.ts';
import { type DueOptions, type UserOptions, named, withDeletions } from '../common/with-deletions.ts';
import { outputOf } from '../terminal/output.ts';
import { HEADING, deletionText, scheduledText, unlistedText } from './report.ts';

export interface ListDeletionsOptions extends UserOptions {
  /** How many are shown; 0 for all. */
  next: number;
  /** Epoch milliseconds. */
  from?: number;
  /** Epoch milliseconds. */
  until?: number;
  json?: boolean;
}

/** Shows pending deletions, the next due first. */
export async function listDeletions(options: ListDeletionsOptions, context: CommandContext): Promise<void> {
  const { next, json = false } = options;
  const out = outputOf(context.stdout);
  await withDeletions(options, context, async ({ deletions, deletionLimit, jobs }) => {
    let [shown, unreadable, isCut] = [0, 0, false];
    for await (const deletion of chosen(deletions, options, (count) => (unreadable += count))) {
      isCut = next > 0 && shown === next;
      if (isCut) break;
      if (shown === 0 && !json) await out.line(HEADING);
      const isHeld = await deletionLimit.holds(deletion.jobId);
      if (!(await out.line(deletionText({ ...deletion, isHeld }, Date.now(), json)))) return;
      shown += 1;
    }
    const isFiltered = FILTERS.some((filter) => options[filter] !== undefined);
    const inLine = await jobs.getJobCountByTypes('waiting', 'prioritized', 'active');
    const unlisted = unlistedText({ shown, isCut, unreadable, inLine }, isFiltered, json);
    if (unlisted !== undefined) await out.line(unlisted);
  });
}

const FILTERS = ['clientId', 'userId', 'instance', 'from', 'until'] as const;

/** A deletion scheduled with the id is found at once; for those added by other clients, all are searched. */
async function* chosen(
  deletions: Deletions,
  options: ListDeletionsOptions,
  onUnreadable: (count: number) => void,
): AsyncGenerator<Deletion> {
  const { clientId, userId, instance, from, until } = options;
  const isOfUser = clientId !== undefined || userId !== undefined;
  const found = isOfUser ? await deletions.find(named(options)) : undefined;
  if (found !== undefined && found.dueAt >= (from ?? -Infinity) && found.dueAt <= (until ?? Infinity))
    yield found;
  for await (const deletion of deletions.list({
    from,
    until,
    onUnreadable,
    ...(isOfUser && { of: { clientId, userId } }),
  })) {
    const isOfInstance = instance === undefined || deletion.instance === instance;
    if (isOfInstance && deletion.jobId !== found?.jobId) yield deletion;
  }
}

/** True if the deletion was cancelled. */
export async function cancelDeletion(
  options: UserOptions & { reason?: string; json?: boolean },
  context: CommandContext,
): Promise<boolean> {
  const user = named(options);
  const action = { what: 'deletions cancel', filter: { ...user }, count: 1, reason: options.reason };
  return withDeletions(options, context, async ({ deletions, audit }) => {
    await audit(action);
    const answer = await deletions.cancel(user);
    await outputOf(context.stdout).line(scheduledText(answer, Date.now(), options.json === true));
    return answer === 'cancelled';
  });
}

export interface RescheduleOptions extends UserOptions, DueOptions {
  reason?: string;
  json?: boolean;
}

/** True if the due time was changed. */
export async function rescheduleDeletion(
  options: RescheduleOptions,
  context: CommandContext,
): Promise<boolean> {
  const user = named(options);
  if (options.at === undefined && options.in === undefined) throw new UsageError('give a time: --in or --at');
  const now = Date.now();
  const dueAt = options.at ?? now + (options.in ?? 0);
  const fault = dueFaultOf(dueAt);
  if (fault !== undefined) throw new UsageError(fault);
  const filter = { ...user, dueAt: new Date(dueAt).toISOString() };
  return withDeletions(options, context, async ({ deletions, audit }) => {
    await audit({ what: 'deletions reschedule', filter, count: 1, reason: options.reason });
    const answer = await deletions.reschedule(user, dueAt);
    await outputOf(context.stdout).line(scheduledText(answer, now, options.json === true));
    return typeof answer !== 'string';
  });
}
