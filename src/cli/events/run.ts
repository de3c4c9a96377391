/**
 * `damoov-users events`: shows the events of an events queue, and new ones with `--follow`. Subscribers still get every event.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Queue } from 'bullmq';
import { type EventTail, type TailedEvent, openEventTail } from '../../bullmq/event-tail.ts';
import type { Config } from '../../config/config.ts';
import { type RedisConnection, isLostConnection, placeOf } from '../../redis/connection.ts';
import type { CommandContext } from '../common/command-context.ts';
import { type EventFilter, eventText, isWanted, readEvent } from './report.ts';
import { outputOf } from '../terminal/output.ts';
import { counted, jsonLine } from '../terminal/text.ts';
import { untilStopped } from '../terminal/until-stopped.ts';
import { UsageError } from '../common/usage-error.ts';
import { openQueue } from '../../bullmq/open-queue.ts';
import { withRedis } from '../common/with-redis.ts';

export interface EventsOptions extends EventFilter {
  /** Number of existing events to show. */
  last: number;
  follow?: boolean;
  /** Default: the first configured queue. */
  queue?: string;
  json?: boolean;
}

/** Delay between two attempts to reach Redis, in milliseconds. */
const AGAIN_MS = 500;

export async function events(options: EventsOptions, context: CommandContext): Promise<void> {
  if (options.last === 0 && options.follow !== true) {
    throw new UsageError('-n 0: shows nothing. Give at least 1, or --follow for new events');
  }
  await withRedis(context, async (connection, config, target) => {
    const queue = await openEventsQueue(options.queue, connection, config);
    const onChange = options.follow === true ? createStateReporter(placeOf(target), context) : undefined;
    const tail = await openEventTail(queue, target, onChange);
    try {
      const printer = createPrinter(options, queue.name, context);
      const {
        events: last,
        unknown,
        older,
      } = await tail.last(options.last, (event) => match(event, options));
      if (!(await printer.show(last))) return;
      const shown = options.last > 0 ? { shown: last.length } : {};
      if (!(await printer.note({ ...shown, unreadable: unknown, older }))) return;
      if (options.follow === true) await follow(tail, printer, options, context);
    } finally {
      tail.close();
    }
  });
}

interface EventPrinter {
  /** False if the output is closed. */
  show: (tailed: readonly TailedEvent[]) => Promise<boolean>;
  note: (unseen: Unseen) => Promise<boolean>;
}

interface Unseen {
  /** Undefined if no events were requested. */
  shown?: number;
  /** Number of possible matches that cannot be read. */
  unreadable: number;
  /** Number of events before the oldest remaining note. */
  older: number;
}

function createPrinter(
  options: EventsOptions,
  queue: string,
  { stdout, stderr }: CommandContext,
): EventPrinter {
  const out = outputOf(stdout);
  const { json = false } = options;
  return {
    async show(tailed) {
      for (const { data } of tailed) {
        const event = data === undefined ? undefined : readEvent(data);
        if (event === undefined) continue;
        if (!(await out.line(json ? JSON.stringify(event) : eventText(event, stdout)))) return false;
      }
      return true;
    },
    async note(unseen) {
      const { unreadable, older } = unseen;
      const isFiltered = [options.type, options.clientId, options.userId].some((one) => one !== undefined);
      const note = [
        unseen.shown === 0 ? `No ${isFiltered ? 'such ' : ''}event can be read on ${queue}.` : '',
        unreadable > 0
          ? `${counted(unreadable, 'event')} may match but cannot be read: removed, or not ours.`
          : '',
        older > 0 ? `${counted(older, 'older event')} left no note.` : '',
      ]
        .filter((sentence) => sentence !== '')
        .join(' ');
      if (note === '') return true;
      // For people beside the result, for machines as its last line: an empty answer would be wrong.
      if (json) return out.line(jsonLine({ note, ...unseen }));
      stderr.write(`${note}\n`);
      return true;
    },
  };
}

/** The user of an event that is no longer readable is unknown. */
function match({ data, type }: TailedEvent, options: EventsOptions): boolean | 'unknown' {
  if (options.type !== undefined && !options.type.includes(type)) return false;
  const event = data === undefined ? undefined : readEvent(data);
  return event === undefined ? 'unknown' : isWanted(event, options);
}

/** Reports once that Redis is away, and once that it is back. */
function createStateReporter(place: string, { stderr }: CommandContext): (state: 'lost' | 'ready') => void {
  let isAway = false;
  return (state) => {
    if ((state === 'lost') === isAway) return;
    isAway = !isAway;
    stderr.write(isAway ? `Redis is away (${place}), trying again\n` : `Redis is back (${place})\n`);
  };
}

/** Runs until Ctrl-C, or until the output is closed. Waits while Redis is down. */
async function follow(
  tail: EventTail,
  { show, note }: EventPrinter,
  options: EventsOptions,
  context: CommandContext,
): Promise<void> {
  const stopped = untilStopped(context).then((): typeof STOPPED => STOPPED);
  for (;;) {
    const tailed = await Promise.race([tail.next(), stopped]).catch((error: unknown) => {
      if (!isLostConnection(error)) throw error;
      return undefined;
    });
    if (tailed === STOPPED) return;
    if (tailed === undefined) {
      await Promise.race([sleep(AGAIN_MS), stopped]);
      continue;
    }
    const choices = Map.groupBy(tailed, (event) => match(event, options));
    if (!(await show(choices.get(true) ?? []))) return;
    const unreadable = choices.get('unknown')?.length ?? 0;
    if (!(await note({ unreadable, older: 0 }))) return;
  }
}

const STOPPED: unique symbol = Symbol('stopped');

async function openEventsQueue(
  name: string | undefined,
  connection: RedisConnection,
  { queues }: Config,
): Promise<Queue> {
  const chosen = name ?? queues.events[0];
  if (chosen === undefined)
    throw new UsageError('EVENTS_QUEUES=none: no events are published. Name a queue with --queue');
  const queue = openQueue(chosen, { connection, prefix: queues.prefix });
  const isKnown = queues.events.includes(chosen) || (await queue.getVersion()) !== null;
  if (isKnown) return queue;
  throw new UsageError(
    `--queue: there is no such events queue (configured: ${queues.events.join(', ') || 'none'})`,
  );
}
