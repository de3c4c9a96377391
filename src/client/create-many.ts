/**
 * Adds many sign-ups in chunks: reads on only once the previous rows are in the queue.
 */
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import type { BulkJobOptions } from 'bullmq';
import { z } from 'zod';
import { callback, checkedOptions, objectWith, wholeNumber } from '../damoov/checked-options.ts';
import { type CreateUser, InvalidJobError } from './requests.ts';

/** A sign-up of `createMany`, which may have its own key. */
export type CreateUserRow = CreateUser & {
  /** See the option of `create`. */
  idempotencyKey?: string | undefined;
};

export interface CreateManyOptions {
  /** Rows per call to Redis, at most 10,000. Default 500. */
  chunkSize?: number | undefined;
  /** Waits while this many jobs are waiting or active. Default: no limit. */
  maxWaiting?: number | undefined;
  /** Called for each invalid row; the row is skipped. Without it an invalid row ends the call. */
  onInvalid?: ((error: InvalidJobError) => unknown) | undefined;
  /**
   * Called after each chunk with the ids of its jobs, in the order of its rows, and the number added so far. If the call ends early,
   * exactly these jobs are in the queue, and perhaps one more chunk.
   */
  onChunk?: ((jobIds: readonly string[], added: number) => unknown) | undefined;
  /** Stops between two chunks, with the signal's own reason. */
  signal?: AbortSignal | undefined;
}

const Options = z.strictObject({
  chunkSize: wholeNumber(1, 10_000).default(500),
  maxWaiting: z
    .custom<number>(
      (value) => typeof value === 'number' && value >= 1,
      'must be a number from 1, or Infinity',
    )
    .default(Infinity),
  onInvalid: callback<NonNullable<CreateManyOptions['onInvalid']>>().optional(),
  onChunk: callback<NonNullable<CreateManyOptions['onChunk']>>().optional(),
  signal: objectWith<AbortSignal>('aborted').optional(),
} satisfies Record<keyof CreateManyOptions, z.ZodType>);

/** Interval at which a full queue is checked, in milliseconds. */
const LOOK_MS = 100;

export interface JobToAdd {
  name: string;
  data: Record<string, unknown>;
  opts: BulkJobOptions & { jobId: string };
}

export interface ManyContext {
  /** @throws InvalidJobError */
  toJob: (row: CreateUserRow, index: number) => JobToAdd;
  /** How many of them the queue does not have yet: it silently ignores an existing id. */
  countNew: (jobs: readonly JobToAdd[]) => Promise<number>;
  add: (jobs: JobToAdd[]) => Promise<unknown>;
  /** Number of waiting or active jobs. */
  countWaiting: () => Promise<number>;
}

/** @throws InvalidJobError for an invalid row without `onInvalid`; and the errors of the context. */
export async function addMany(
  rows: Iterable<CreateUserRow> | AsyncIterable<CreateUserRow>,
  options: CreateManyOptions,
  { toJob, countNew, add, countWaiting }: ManyContext,
): Promise<{ added: number; repeated: number; invalid: number }> {
  const { chunkSize, maxWaiting, onInvalid, onChunk, signal } = checkedOptions(Options, options);
  const done = { added: 0, repeated: 0, invalid: 0 };
  let chunk: JobToAdd[] = [];
  const isFull = async () => maxWaiting !== Infinity && (await countWaiting()) >= maxWaiting;
  const flush = async () => {
    // A chunk of invalid rows makes no call, and would block the rest of the process.
    await setImmediate();
    signal?.throwIfAborted();
    if (chunk.length === 0) return;
    while (await isFull()) {
      await sleep(LOOK_MS);
      signal?.throwIfAborted();
    }
    const added = await countNew(chunk);
    await add(chunk);
    done.added += added;
    done.repeated += chunk.length - added;
    const jobIds = chunk.map(({ opts }) => opts.jobId);
    chunk = [];
    await onChunk?.(jobIds, done.added);
  };
  let index = 0;
  for await (const row of rows) {
    try {
      chunk.push(toJob(requireRow(row, index), index));
    } catch (error) {
      if (onInvalid === undefined || !(error instanceof InvalidJobError)) throw error;
      done.invalid += 1;
      await onInvalid(error);
    }
    index += 1;
    if (index % chunkSize === 0) await flush();
  }
  await flush();
  return done;
}

/** A row from another source may be undefined. */
function requireRow(row: CreateUserRow, index: number): CreateUserRow {
  if (typeof row === 'object' && row !== null) return row;
  throw new InvalidJobError('must be an object', index);
}
