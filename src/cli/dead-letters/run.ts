/**
 * `damoov-users dead-letters list|redrive|drop`: lists, redrives or drops events that a subscriber gave up. Counts first, and changes
 * nothing without confirmation.
 */
import { type DeadLetter, createDeadLetters } from '../../bullmq/dead-letters.ts';
import { openQueue } from '../../bullmq/open-queue.ts';
import { type Audit, auditOf } from '../common/audited.ts';
import type { CommandContext } from '../common/command-context.ts';
import {
  type ChangeOptions,
  type ListOptions,
  type Selection,
  changeSelection,
  countSelection,
  matching,
  showSelection,
  spanOf,
} from '../common/selection.ts';
import { UsageError } from '../common/usage-error.ts';
import { withRedis } from '../common/with-redis.ts';
import { DEAD_LETTERS } from './report.ts';

const WORDS = {
  retry: { command: 'dead-letters redrive', verb: 'Redrive', done: 'redriven', what: 'event' },
  drop: { command: 'dead-letters drop', verb: 'Drop', done: 'dropped', what: 'event' },
};

export interface LetterFilter {
  queue?: string;
  type?: string[];
  /** Of events. */
  id?: string[];
  clientId?: string;
  userId?: string;
  /** Minimum time since the subscriber gave up, in milliseconds. */
  olderThan?: number;
  /** Maximum time since then, in milliseconds. */
  newerThan?: number;
}

export async function listDeadLetters(
  options: LetterFilter & ListOptions,
  context: CommandContext,
): Promise<void> {
  await withSelection(options, context, (selection) => showSelection(selection, options, context));
}

/** Has the events delivered once more. */
export const redriveDeadLetters = change('retry');

export const dropDeadLetters = change('drop');

function change(does: keyof typeof WORDS) {
  return (options: LetterFilter & ChangeOptions, context: CommandContext): Promise<void> =>
    withSelection(options, context, (selection, act, audit) =>
      changeSelection(selection, WORDS[does], options, context, act(does), audit),
    );
}

type Act = (does: keyof typeof WORDS) => (letters: DeadLetter[]) => Promise<number>;

/** The selected events at the start of the command. */
async function withSelection(
  options: LetterFilter,
  context: CommandContext,
  work: (selection: Selection<DeadLetter>, act: Act, audit: Audit) => Promise<void>,
): Promise<void> {
  await withRedis(context, async (connection, config) => {
    const { prefix, events, jobs } = config.queues;
    if (options.queue === jobs) throw new UsageError(`--queue: ${jobs} has jobs: use \`failed\``);
    const names = options.queue === undefined ? events : [options.queue];
    if (names.some((name) => !events.includes(name)))
      throw new UsageError(`--queue: there is no ${options.queue}; there are ${events.join(', ') || 'none'}`);
    if (names.length === 0) throw new UsageError('EVENTS_QUEUES is none: no events are published');
    const queues = names.map((name) => openQueue(name, { connection, prefix }));
    const now = Date.now();
    const sets = await Promise.all(
      queues.map(async (queue) => {
        const letters = createDeadLetters(queue);
        return { name: queue.name, letters, span: spanOf(options, now, await letters.newest()) };
      }),
    );
    async function* readAll() {
      for (const { letters, span } of sets) yield* letters.read(span);
    }
    const read = () => matching(readAll(), (letter) => isWanted(letter, options));
    const selection = await countSelection(read, DEAD_LETTERS, async () => {
      const failed = await Promise.all(queues.map((queue) => queue.getFailedCount()));
      return failed.reduce((sum, count) => sum + count, 0);
    });
    const act: Act = (does) => async (some) => {
      let done = 0;
      for (const { name, letters } of sets)
        done += await letters[does](some.filter(({ queue }) => queue === name));
      return done;
    };
    await work(selection, act, auditOf(connection, config));
  });
}

function isWanted(letter: DeadLetter, { id, type, clientId, userId }: LetterFilter): boolean {
  return (
    (id === undefined || (letter.eventId !== undefined && id.includes(letter.eventId))) &&
    (type === undefined || type.includes(letter.type)) &&
    (clientId === undefined || clientId === letter.clientId) &&
    (userId === undefined || userId.toLowerCase() === letter.userId?.toLowerCase())
  );
}
