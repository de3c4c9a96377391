/**
 * Reads the events of a queue without taking them: BullMQ notes in a stream which jobs were added, and an event's job stays a
 * while after it was consumed. Changes nothing; what the stream or the queue has dropped, it cannot tell.
 */
import type { Queue } from 'bullmq';
import { z } from 'zod';
import type { RedisConnection } from '../redis/connection.ts';

/** An event as a subscriber gets it; anything may have been added by others. */
export interface TailedEvent {
  type: string;
  jobId: string;
  /** Undefined where its job is gone: consumed, and dropped by the queue since. */
  data: string | undefined;
}

export interface EventTail {
  /**
   * The last events that are wanted, the oldest first.
   * @param wants asked about each, the newest first; what it does not want is not counted.
   */
  last(count: number, wants: (event: TailedEvent) => boolean): Promise<TailedEvent[]>;
  /**
   * The next ones, after those of the stream when {@link openEventTail} was called. Empty where none came within a while.
   * @param blocking a connection of its own, which waits.
   */
  next(blocking: RedisConnection): Promise<TailedEvent[]>;
}

/** So many notes are read at once; of one event there are up to five. */
const PAGE = 1000;
/** Below the time after which a silent connection counts as lost. In milliseconds. */
const BLOCK_MS = 5000;

export async function openEventTail(queue: Queue, connection: RedisConnection): Promise<EventTail> {
  const stream = queue.toKey('events');
  const [newest] = Notes.parse(await connection.xrevrange(stream, '+', '-', 'COUNT', 1));
  const openedAt = newest?.[0] ?? '0-0';
  let cursor = openedAt;

  return {
    async last(count, wants) {
      const found: TailedEvent[] = [];
      let end = openedAt;
      while (found.length < count) {
        const notes = Notes.parse(await connection.xrevrange(stream, end, '-', 'COUNT', PAGE));
        for (const event of await eventsOf(notes)) {
          if (found.length < count && wants(event)) found.push(event);
        }
        const oldest = notes.at(-1)?.[0];
        if (oldest === undefined) break;
        end = `(${oldest}`;
      }
      return found.toReversed();
    },
    async next(blocking) {
      const reply = Reply.parse(
        await blocking.xread('COUNT', PAGE, 'BLOCK', BLOCK_MS, 'STREAMS', stream, cursor),
      );
      const notes = reply?.[0]?.[1] ?? [];
      const events = await eventsOf(notes);
      // Only now: where the events cannot be read, their notes are read again.
      cursor = notes.at(-1)?.[0] ?? cursor;
      return events;
    },
  };

  async function eventsOf(notes: z.infer<typeof Notes>): Promise<TailedEvent[]> {
    const added = notes.flatMap(([, fields]) => {
      const { event, jobId = '', name = '' } = pairsOf(fields);
      return event === 'added' ? [{ jobId, type: name }] : [];
    });
    return Promise.all(
      added.map(async (event) => {
        const data = await connection.hget(queue.toKey(event.jobId), 'data');
        return { ...event, data: data ?? undefined };
      }),
    );
  }
}

const Notes = z.array(z.tuple([z.string(), z.array(z.string())]));
const Reply = z.array(z.tuple([z.string(), Notes])).nullable();

function pairsOf(fields: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    fields.flatMap((name, index) => (index % 2 === 0 ? [[name, fields[index + 1] ?? '']] : [])),
  );
}
