/**
 * Reads the events of a queue without taking them: BullMQ notes in a stream which jobs were added, and an event's job stays a
 * while after it was consumed. Changes nothing; of what the stream or the queue has dropped it can tell only how many they are.
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

/** What a look back has found. */
export interface LookBack {
  /** The oldest first. */
  events: TailedEvent[];
  /** How many were passed over of which the answer was `unknown`. */
  unknown: number;
  /** How many older ones the queue has had of which no note is left; 0 where the look ended before the oldest note. */
  older: number;
}

export interface EventTail {
  /**
   * The last events that are wanted.
   * @param wants asked about each, the newest first; only what it wants counts.
   */
  last(count: number, wants: (event: TailedEvent) => boolean | 'unknown'): Promise<LookBack>;
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
  // Before the newest note is looked for: of what comes in between nothing is taken to be older.
  const published = Number(await connection.get(queue.toKey('id'))) || 0;
  const [newest] = Notes.parse(await connection.xrevrange(stream, '+', '-', 'COUNT', 1));
  const openedAt = newest?.[0] ?? '0-0';
  let cursor = openedAt;

  return {
    async last(count, wants) {
      const found: TailedEvent[] = [];
      let [end, noted, unknown, older] = [openedAt, 0, 0, 0];
      while (found.length < count) {
        const notes = Notes.parse(await connection.xrevrange(stream, end, '-', 'COUNT', PAGE));
        for (const event of await eventsOf(notes)) {
          if (found.length === count) break;
          noted += 1;
          const isWanted = wants(event);
          if (isWanted === 'unknown') unknown += 1;
          else if (isWanted) found.push(event);
        }
        const oldest = notes.at(-1)?.[0];
        if (oldest === undefined) {
          older = Math.max(0, published - noted);
          break;
        }
        end = `(${oldest}`;
      }
      return { events: found.toReversed(), unknown, older };
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
        const key = queue.toKey(event.jobId);
        // A job may lie under the name of a key of the queue itself.
        const data = await connection.hget(key, 'data').catch((error: Error) => {
          if (error.message.startsWith('WRONGTYPE')) return null;
          throw error;
        });
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
