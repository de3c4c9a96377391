/**
 * `damoov-users dead-letters list|redrive|drop`: lists, redrives or drops events that a subscriber gave up. Counts first, and changes
 * nothing without confirmation.
 */
import type { DeadLetter } from '../../bullmq/dead-letters.ts';
import { openQueue } from '../../bullmq/open-queue.ts';
import { type LetterFilter as Filter, selectDeadLetters } from '../../bullmq/selected-letters.ts';
import { type Audit, auditOf } from '../common/audited.ts';
import type { CommandContext } from '../common/command-context.ts';
import {
  type ChangeOptions,
  type Counted,
  type ListOptions,
  changeSelection,
  countSelection,
  showSelection,
} from '../common/selection.ts';
import { UsageError } from '../common/usage-error.ts';
import { withRedis } from '../common/with-redis.ts';
import { DEAD_LETTERS } from './report.ts';

const WORDS = {
  retry: { command: 'dead-letters redrive', verb: 'Redrive', done: 'redriven', what: 'event' },
  drop: { command: 'dead-letters drop', verb: 'Drop', done: 'dropped', what: 'event' },
};

type LetterFilter = Filter & { queue?: string };

export async function listDeadLetters(
  options: LetterFilter & ListOptions,
  context: CommandContext,
): Promise<void> {
  await withSelection(options, context, (counted) => showSelection(counted, options, context));
}

/** Has the events delivered once more. */
export const redriveDeadLetters = change('retry');

export const dropDeadLetters = change('drop');

function change(does: keyof typeof WORDS) {
  return (options: LetterFilter & ChangeOptions, context: CommandContext): Promise<void> =>
    withSelection(options, context, (counted, audit) =>
      changeSelection(counted, WORDS[does], options, context, counted.selection[does], audit),
    );
}

/** The selected events at the start of the command. */
async function withSelection(
  options: LetterFilter,
  context: CommandContext,
  work: (counted: Counted<DeadLetter>, audit: Audit) => Promise<void>,
): Promise<void> {
  await withRedis(context, async (connection, config) => {
    const { prefix, events, jobs } = config.queues;
    if (options.queue === jobs) throw new UsageError(`--queue: ${jobs} has jobs: use \`failed\``);
    const names = options.queue === undefined ? events : [options.queue];
    if (names.some((name) => !events.includes(name)))
      throw new UsageError(`--queue: there is no ${options.queue}; there are ${events.join(', ') || 'none'}`);
    if (names.length === 0) throw new UsageError('EVENTS_QUEUES is none: no events are published');
    const queues = names.map((name) => openQueue(name, { connection, prefix }));
    const selection = await selectDeadLetters(queues, options);
    await work(await countSelection(selection, DEAD_LETTERS), auditOf(connection, config));
  });
}
