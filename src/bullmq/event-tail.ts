/**
 * Reads the events of a queue without taking them: BullMQ notes which jobs were added, and an event's job stays a while after it was
 * consumed. Changes nothing.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Queue, QueueEvents } from 'bullmq';
import { type RedisTarget, connectRedis, withDuplicates } from '../redis/connection.ts';
import { readJob } from './read-job.ts';

/** An event as a subscriber gets it; anything may have been added by others. */
export interface TailedEvent {
  type: string;
  jobId: string;
  /** Undefined if its job is gone: consumed, and dropped by the queue since. */
  data: string | undefined;
}

/** What a look back has found. */
export interface LookBack {
  /** The oldest first. */
  events: TailedEvent[];
  /** How many were passed over of which the answer was `unknown`. */
  unknown: number;
  /** How many more the queue holds of which no note is left; 0 if the look ended before the oldest note. */
  older: number;
}

export interface EventTail {
  /**
   * The last events that are wanted.
   * @param wants asked about each, the newest first; only what it wants counts.
   */
  last(count: number, wants: (event: TailedEvent) => boolean | 'unknown'): Promise<LookBack>;
  /** Waits for the next ones, after those that were there when the tail was opened. Where it fails, they come again. */
  next(): Promise<TailedEvent[]>;
  close(): void;
}

type Note = Pick<TailedEvent, 'type' | 'jobId'>;

/** So many jobs are read at once. */
const CHUNK = 100;
/** How long it takes at the most until the notes that are there have come, in milliseconds: once connected, and in all. */
const PAST_MS = { connected: 1000, most: 5000 };

/** @param onChange called when its connection is lost, and when it is back. */
export async function openEventTail(
  queue: Queue,
  target: RedisTarget,
  onChange: (state: 'lost' | 'ready') => void = () => {},
): Promise<EventTail> {
  // Before the newest note is looked for: of what comes in between nothing is taken to be older.
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
      // Only now: where the events cannot be read, their notes are read again.
      coming = coming.slice(events.length);
      if (coming.length === 0) arrived = Promise.withResolvers();
      return events;
    },
    close() {
      // Closing in peace waits for Redis, which may be away.
      void notes.close().catch(() => {});
      unlock();
    },
  };

  async function eventsOf(these: readonly Note[]): Promise<TailedEvent[]> {
    return Promise.all(
      these.map(async (note) => ({ ...note, data: (await readJob(queue, note.jobId))?.data })),
    );
  }
}

/** All notes that are there come in one piece, and nothing says that there are none. */
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
