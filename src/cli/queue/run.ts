/**
 * `damoov-users queue pause|resume`: stops and restarts what takes jobs off a queue, or events.
 */
import type { Queue } from 'bullmq';
import { openQueue } from '../../bullmq/open-queue.ts';
import { auditOf } from '../common/audited.ts';
import type { CommandContext } from '../common/command-context.ts';
import { UsageError } from '../common/usage-error.ts';
import { withRedis } from '../common/with-redis.ts';
import { outputOf } from '../terminal/output.ts';
import { counted, jsonLine } from '../terminal/text.ts';

export interface QueueOptions {
  /** Default: the jobs queue. */
  queue?: string;
  reason?: string;
  json?: boolean;
}

export async function pauseQueue(options: QueueOptions, context: CommandContext): Promise<void> {
  await change(options, context, 'paused', (queue) => queue.pause());
}

export async function resumeQueue(options: QueueOptions, context: CommandContext): Promise<void> {
  await change(options, context, 'resumed', (queue) => queue.resume());
}

async function change(
  { queue: name, reason, json = false }: QueueOptions,
  context: CommandContext,
  done: 'paused' | 'resumed',
  act: (queue: Queue) => Promise<void>,
): Promise<void> {
  await withRedis(context, async (connection, config) => {
    const { prefix, jobs, events } = config.queues;
    const known = [jobs, ...events];
    // BullMQ would pause a queue of any name: a misspelt one must not look paused.
    if (name !== undefined && !known.includes(name))
      throw new UsageError(`--queue: there is no ${name}; there are ${known.join(', ')}`);
    const queue = openQueue(name ?? jobs, { connection, prefix });
    const wasPaused = await queue.isPaused();
    const what = `queue ${done === 'paused' ? 'pause' : 'resume'}`;
    await auditOf(connection, config)({ what, filter: { queue: queue.name }, count: 1, reason });
    await act(queue);
    const { active = 0, ...counts } = await queue.getJobCounts('active', 'waiting', 'prioritized');
    const waiting = Object.values(counts).reduce((sum, count) => sum + count, 0);
    const isUnchanged = wasPaused === (done === 'paused');
    const how = `${isUnchanged ? 'was ' : 'is '}${done === 'paused' ? 'paused' : 'not paused'}`;
    const text = `${queue.name} ${how}${isUnchanged ? ' already' : ''}: ${counted(waiting, 'job')} waiting, ${active} active`;
    const facts = { queue: queue.name, [done]: true, isUnchanged, waiting, active };
    await outputOf(context.stdout).line(json ? jsonLine(facts) : text);
  });
}
