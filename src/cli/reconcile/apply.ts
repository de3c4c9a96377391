/**
 * Adds the jobs that make Damoov as the list is: says what they are, asks, adds them. What it has added is in the queue,
 * whatever happens to the rest.
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
  /** Until the deletions are due, in milliseconds. */
  dueInMs: number;
  /** Nobody is asked. */
  isConfirmed: boolean;
  progress: Progress;
  context: CommandContext;
}

/** How many jobs were added. `pending`: deletions that there were already. */
export interface Added {
  create: number;
  update: number;
  delete: number;
  pending: number;
}

/** How many calls are under way at once, and how many jobs may wait before more are added. */
const CALLS = 50;
const MOST_WAITING = 10_000;

/**
 * @throws UsageError if nobody can be asked; Error where somebody says no, or stops it.
 */
export async function apply(options: ApplyOptions): Promise<Added> {
  const { counts, unwanted, progress } = options;
  const added: Added = { create: 0, update: 0, delete: 0, pending: 0 };
  const total = counts.missing + counts.differing + unwanted.users.length;
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
    const told = refusalOf(error) ?? away;
    throw told instanceof Error ? new Error(`${told.message} (${soFar})`, { cause: error }) : error;
  } finally {
    progress.end();
  }
  return added;
}

async function ask({ counts, unwanted, dueInMs, isConfirmed, context }: ApplyOptions): Promise<void> {
  const deletions = unwanted.users.length;
  const plan = [
    `${numberText(counts.missing)} create-user`,
    `${numberText(counts.differing)} update-user`,
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
  if (counts.differing > 0) {
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
  // Asked for when the list was made: a user who has signed up, or whose deletion was cancelled, since is not meant.
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
