/**
 * Adds the jobs that repair Damoov according to the list: shows them, asks for confirmation, adds them. Added jobs stay in the queue if
 * the rest fails.
 */
import { durationText } from '../../contract/duration.ts';
import type { UserJobs } from '../../client/user-jobs.ts';
import { inOrder } from '../../reconcile/in-order.ts';
import { type RepairOptions, creates, updates } from '../../reconcile/repair-jobs.ts';
import type { UnwantedUser, UnwantedUsers } from '../../reconcile/unwanted-users.ts';
import { RedisAwayError, isLostConnection } from '../../redis/connection.ts';
import { refusalOf } from '../../redis/refusal.ts';
import type { Deletions } from '../../store/deletions/deletions.ts';
import type { CommandContext } from '../common/command-context.ts';
import { requireYes } from '../terminal/confirm.ts';
import type { Progress } from '../terminal/progress.ts';
import { counted, numberText } from '../terminal/text.ts';
import { untilStopped } from '../terminal/until-stopped.ts';
import { type Counts, countsText } from './report.ts';

export interface ApplyOptions {
  jobs: Pick<UserJobs, 'createMany' | 'update'>;
  deletions: Pick<Deletions, 'schedule'>;
  repairs: RepairOptions;
  counts: Counts;
  unwanted: UnwantedUsers;
  /** Time until the deletions are due, in milliseconds. */
  dueInMs: number;
  isConfirmed: boolean;
  progress: Progress;
  context: CommandContext;
}

/** Number of added jobs. `pending`: deletions that were pending already. */
export interface Added {
  create: number;
  update: number;
  delete: number;
  pending: number;
}

/** Number of parallel calls, and maximum number of waiting jobs. */
const CALLS = 50;
const MOST_WAITING = 10_000;

/** @throws UsageError if there is no terminal to ask; Error if the answer is no or the run is stopped. */
export async function apply(options: ApplyOptions): Promise<Added> {
  const { counts, repairs, unwanted, progress } = options;
  const added: Added = { create: 0, update: 0, delete: 0, pending: 0 };
  const total = counts.missing + repairs.list.toUpdate.length + unwanted.users.length;
  if (total === 0) return added;
  await ask(options);
  const stop = new AbortController();
  void untilStopped(options.context).then(() => stop.abort());
  const show = () => progress.show(added.create + added.update + added.delete + added.pending);
  progress.start('adding', 'job', total);
  try {
    await add(options, added, stop.signal, show);
  } catch (error) {
    const soFar = `${addedText(added)} added; run the command again for the rest`;
    if (stop.signal.aborted) throw new Error(`stopped: ${soFar}`, { cause: error });
    const away = isLostConnection(error) ? new RedisAwayError('the connection was lost') : error;
    const shown = refusalOf(error) ?? away;
    throw shown instanceof Error ? new Error(`${shown.message} (${soFar})`, { cause: error }) : error;
  } finally {
    progress.end();
  }
  return added;
}

async function ask({
  counts,
  repairs,
  unwanted,
  dueInMs,
  isConfirmed,
  context,
}: ApplyOptions): Promise<void> {
  const deletions = unwanted.users.length;
  const plan = [
    `${numberText(counts.missing)} create-user`,
    `${numberText(repairs.list.toUpdate.length)} update-user`,
    `${numberText(deletions)} delete-user${deletions > 0 ? `, due in ${durationText(dueInMs)}` : ''}`,
  ];
  context.stderr.write(`${countsText(counts)}\n\nto be added: ${plan.join(', ')}\n`);
  if (!isConfirmed) await requireYes('Add these jobs?', 'nothing was added', context);
}

async function add(
  { jobs, deletions, repairs, counts, unwanted, dueInMs }: ApplyOptions,
  added: Added,
  signal: AbortSignal,
  show: () => void,
): Promise<void> {
  if (counts.missing > 0) {
    await jobs.createMany(creates(repairs), {
      maxWaiting: MOST_WAITING,
      signal,
      onChunk(_, count) {
        added.create = count;
        show();
      },
    });
  }
  if (repairs.list.toUpdate.length > 0) {
    for await (const _ of inOrder(updates(repairs), CALLS, (change) =>
      jobs.update(change, { isBulk: true }),
    )) {
      added.update += 1;
      show();
      signal.throwIfAborted();
    }
  }
  const { instance, listedAt } = repairs;
  const dueAt = Date.now() + dueInMs;
  // Dated back to the list: it does not apply to a user that signed up, or whose deletion was cancelled, since then.
  const schedule = (user: UnwantedUser) =>
    deletions.schedule({ ...user, instance }, dueAt, { asOf: listedAt, isBulk: true });
  for await (const scheduled of inOrder(unwanted.users, CALLS, schedule)) {
    const isNew = scheduled !== 'too-late' && scheduled.is === 'scheduled';
    added[isNew ? 'delete' : 'pending'] += 1;
    show();
    signal.throwIfAborted();
  }
}

/** `30 create-user, 20 update-user, 0 delete-user`. */
export function addedText(added: Added): string {
  const texts = (['create', 'update', 'delete'] as const).map(
    (name) => `${numberText(added[name])} ${name}-user`,
  );
  const already = counted(added.pending, 'deletion was', 'deletions were');
  const pending = added.pending > 0 ? ` (${already} pending already)` : '';
  return `${texts.join(', ')}${pending}`;
}
