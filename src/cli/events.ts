/**
 * `damoov-users events`: shows what an events queue has published, and goes on with `--follow`. It takes nothing from those who
 * subscribe.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Queue } from 'bullmq';
import type { Config } from '../config.ts';
import { type EventTail, type TailedEvent, openEventTail } from '../events/event-tail.ts';
import { type RedisConnection, duplicateOf, isLostConnection } from '../redis/connection.ts';
import type { CommandContext } from './context.ts';
import { type EventFilter, eventText, isWanted, readEvent } from './events-report.ts';
import { numberText } from './failed-report.ts';
import { outputOf } from './output.ts';
import { untilStopped } from './until-stopped.ts';
import { UsageError } from './usage-error.ts';
import { withRedis } from './with-redis.ts';

export interface EventsOptions extends EventFilter {
  /** How many of those that are there already. */
  last: number;
  follow?: boolean;
  /** Default: the first of the configured ones. */
  queue?: string;
  json?: boolean;
}

/** Between two attempts to reach a Redis that is away, in milliseconds. */
const AGAIN_MS = 500;

export async function events(options: EventsOptions, context: CommandContext): Promise<void> {
  await withRedis(context, async (connection, config) => {
    const queue = await queueOf(options.queue, connection, config);
    const tail = await openEventTail(queue, connection);
    const show = showerOf(options, context);
    if (!(await show(await lastOf(tail, options)))) return;
    if (options.follow === true) await follow(tail, connection, show, context);
  });
}

type Show = (tailed: readonly TailedEvent[]) => Promise<boolean>;

/** Answers how to show events; false where nobody reads any more. Says how many are gone. */
function showerOf(options: EventsOptions, { stdout, stderr }: CommandContext): Show {
  const out = outputOf(stdout);
  const { json = false } = options;
  return async (tailed) => {
    let gone = 0;
    for (const { data, type } of tailed) {
      const event = data === undefined ? undefined : readEvent(data);
      // Whose it was nobody can tell any more.
      if (event === undefined && (options.type?.includes(type) ?? true)) gone += 1;
      if (event === undefined || !isWanted(event, options)) continue;
      if (!(await out.line(json ? JSON.stringify(event) : eventText(event, stdout)))) return false;
    }
    if (gone > 0) {
      stderr.write(
        `${numberText(gone)} more ${gone === 1 ? 'was' : 'were'} published here, and cannot be read any more\n`,
      );
    }
    return true;
  };
}

async function lastOf(tail: EventTail, options: EventsOptions): Promise<TailedEvent[]> {
  return tail.last(options.last, ({ data, type }) => {
    if (options.type !== undefined && !options.type.includes(type)) return false;
    const event = data === undefined ? undefined : readEvent(data);
    const names = options.clientId !== undefined || options.userId !== undefined;
    return event === undefined ? !names : isWanted(event, options);
  });
}

/** Until Ctrl-C, or until nobody reads. A Redis that is away is waited for: the place in the stream stays. */
async function follow(
  tail: EventTail,
  connection: RedisConnection,
  show: Show,
  context: CommandContext,
): Promise<void> {
  const blocking = duplicateOf(connection);
  let isStopping = false;
  const stopped = untilStopped(context);
  void stopped.finally(() => {
    isStopping = true;
    blocking.disconnect();
  });
  let isAway = false;
  try {
    for (;;) {
      const tailed = await tail.next(blocking).catch((error: unknown) => {
        if (!isStopping && !isLostConnection(error)) throw error;
        return undefined;
      });
      if (isStopping) return;
      if (tailed !== undefined && !(await show(tailed))) return;
      if ((tailed === undefined) !== isAway) {
        isAway = !isAway;
        context.stderr.write(isAway ? 'Redis is away, trying again\n' : 'Redis is back\n');
      }
      if (isAway) await Promise.race([sleep(AGAIN_MS), stopped]);
    }
  } finally {
    blocking.disconnect();
  }
}

async function queueOf(
  name: string | undefined,
  connection: RedisConnection,
  { queues }: Config,
): Promise<Queue> {
  const [first = 'user-events'] = queues.events;
  const chosen = name ?? first;
  const { prefix } = queues;
  const queue = new Queue(chosen, { connection, prefix, skipMetasUpdate: true });
  // Only echoes what the connection says itself; without a listener BullMQ would print it.
  queue.on('error', () => {});
  const isKnown = queues.events.includes(chosen) || (await connection.exists(queue.toKey('meta'))) === 1;
  if (isKnown) return queue;
  throw new UsageError(`--queue: there is no such events queue (configured: ${queues.events.join(', ')})`);
}
