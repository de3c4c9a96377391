/**
 * `damoov-users queue pause|resume`: stops and restarts what takes jobs off a queue, or events.
 */
import { openQueue } from '../../bullmq/open-queue.ts';
import { setPaused } from '../../bullmq/pause-queue.ts';
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

export const pauseQueue = change('pause');

export const resumeQueue = change('resume');

function change(does: 'pause' | 'resume') {
  const done = `${does}d` as const;
  return async (
    { queue: name, reason, json = false }: QueueOptions,
    context: CommandContext,
  ): Promise<void> =>
    withRedis(context, async (connection, config) => {
      const { prefix, jobs, events } = config.queues;
      const known = [jobs, ...events];
      // BullMQ would pause a queue of any name: a misspelt one must not look paused.
      if (name !== undefined && !known.includes(name))
        throw new UsageError(`--queue: there is no ${name}; there are ${known.join(', ')}`);
      const queue = openQueue(name ?? jobs, { connection, prefix });
      const action = { what: `queue ${does}`, filter: { queue: queue.name }, count: 1, reason };
      await auditOf(connection, config)(action);
      const { isPaused, ...end } = await setPaused(queue, does === 'pause');
      const { isUnchanged, waiting, active } = end;
      const how = `${isUnchanged ? 'was ' : 'is '}${isPaused ? 'paused' : 'not paused'}`;
      const text = `${queue.name} ${how}${isUnchanged ? ' already' : ''}: ${counted(waiting, 'job')} waiting, ${active} active`;
      await outputOf(context.stdout).line(
        json ? jsonLine({ queue: queue.name, [done]: true, ...end }) : text,
      );
    });
}
