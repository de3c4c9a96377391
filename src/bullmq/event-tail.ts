/**
 * Reads the events of a queue without taking them: BullMQ notes which jobs were added, and an event's job stays a while after it was
 * consumed. Changes nothing.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Queue, QueueEvents } from 'bullmq';
import { type RedisTarget, connectRedis, withDuplicates } from '../redis/connection.ts';
import { readStoredJob } from './read-job.ts';

/** An event as a subscriber gets it; other clients may have added anything. */
export interface TailedEvent {
  type: string;
  jobId: string;
  /** Undefined if its job is gone: consumed, and dropped by the queue since. */
  data: string | undefined;
}

/** The result of reading past events. */
export interface LookBack {
  /** The oldest first. */
  events: TailedEvent[];
  /** Number of skipped events for which `wants` returned `unknown`. */
  unknown: number;
  /** Number of further events in the queue without a note; 0 if reading ended before the oldest note. */
  older: number;
}

export interface EventTail {
  /**
   * Returns the last wanted events.
   * @param wants called for each event, newest first; only wanted events count.
   */
  last(count: number, wants: (event: TailedEvent) => boolean | 'unknown'): Promise<LookBack>;
  /** Waits for events after those that existed when the tail was opened. After a failure the same events are returned again. */
  next(): Promise<TailedEvent[]>;
  close(): void;
}

type Note = Pick<TailedEvent, 'type' | 'jobId'>;

/** Number of jobs read at once. */
const CHUNK = 100;
/** Longest wait for the existing notes, in milliseconds: once connected, and in total. */
const PAST_MS = { connected: 1000, most: 5000 };

/** @param onChange called when its connection is lost, and when it is back. */
export async function openEventTail(
  queue: Queue,
  target: RedisTarget,
  onChange: (state: 'lost' | 'ready') => void = () => {},
): Promise<EventTail> {
  // Taken before the newest note is read, so that events added in between count as new.
  const held = await queue.getJobCountByTypes();
  const connection = connectRedis(target, onChange);
  const unlock = withDuplicates(connection);
  const { prefix = '' } = queue.opts;
  const notes = new QueueEvents(queue.name, { connection, prefix, lastEventId: '0-0', autorun: false });
  notes.on('error', () => {});
  let coming: Note[] = [];
  let arrived = Promise.withResolvers<void>();
  notes.on('added', ({ jobId, name }) => {
    coming.push({ jobId, type: name });
    arrived.resolve();
  });
  const past = await pastOf(notes, () => coming.splice(0));
  arrived = Promise.withResolvers();

  return {
    async last(count, wants) {
      const found: TailedEvent[] = [];
      const readable = new Set<string>();
      let unknown = 0;
      for (let end = past.length; end > 0 && found.length < count; end -= CHUNK) {
        for (const event of await eventsOf(past.slice(Math.max(0, end - CHUNK), end).toReversed())) {
          if (found.length === count) break;
          if (event.data !== undefined) readable.add(event.jobId);
          const isWanted = wants(event);
          if (isWanted === 'unknown') unknown += 1;
          else if (isWanted) found.push(event);
        }
      }
      const older = found.length < count ? Math.max(0, held - readable.size) : 0;
      return { events: found.toReversed(), unknown, older };
    },
    async next() {
      await arrived.promise;
      const events = await eventsOf(coming.slice(0, CHUNK));
      // Set only now, so that the notes are read again if reading the events fails.
      coming = coming.slice(events.length);
      if (coming.length === 0) arrived = Promise.withResolvers();
      return events;
    },
    close() {
      // A graceful close waits for Redis, which may be down.
      void notes.close().catch(() => {});
      unlock();
    },
  };

  async function eventsOf(these: readonly Note[]): Promise<TailedEvent[]> {
    return Promise.all(
      these.map(async (note) => ({ ...note, data: (await readStoredJob(queue, note.jobId))?.data })),
    );
  }
}

/** All existing notes arrive in one reply; there is no reply if there are none. */
async function pastOf(notes: QueueEvents, take: () => Note[]): Promise<Note[]> {
  const { promise: begun, resolve } = Promise.withResolvers<void>();
  for (const event of ['added', 'waiting', 'active', 'completed', 'failed', 'removed'] as const) {
    notes.once(event, () => setImmediate(resolve));
  }
  void notes.run().catch(() => {});
  const none = notes.waitUntilReady().then(() => sleep(PAST_MS.connected, undefined, { ref: false }));
  await Promise.race([begun, none, sleep(PAST_MS.most)]);
  return take();
}
