/**
 * How a job ended, for callers who wait for it: woken by the queue's own events, and looking for themselves in case one was
 * missed. Knows how to read an end from a finished job, not how it came about.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Job, type Queue, QueueEvents } from 'bullmq';
import { z } from 'zod';
import { type JobResult, readResult } from '../contract/event.ts';
import { isJobName, referenceOfText } from '../contract/job.ts';
import { FAILURE_CODES } from '../contract/outcome.ts';
import { MsOrEver, checkedOptions, objectWith } from '../damoov/checked-options.ts';
import {
  type RedisConnection,
  type RedisTarget,
  RedisAwayError,
  connectRedis,
  isLostConnection,
  placeOf,
  withDuplicates,
} from '../redis/connection.ts';
import { ClosedError } from './closed-error.ts';
import { UserTokens, userTokensKey } from '../store/users/user-tokens.ts';
import { RedisRefusedError, tellable } from '../redis/refusal.ts';

/** The job had not ended in time. It goes on all the same, and its event is published. */
export class ResultTimeoutError extends Error {
  override readonly name = 'ResultTimeoutError';
}

/** Nobody can tell: no job was added under this id, or it has ended, the queue keeps it no longer, and its event has told it. */
export class ResultUnknownError extends Error {
  override readonly name = 'ResultUnknownError';
}

export interface ResultOptions {
  /** How long to wait, in milliseconds; 0: the job is looked at once; Infinity: for ever. Default 30,000. */
  timeoutMs?: number | undefined;
  /** Ends the wait early, with the signal's own reason. */
  signal?: AbortSignal | undefined;
}

const WaitOptions = z.strictObject({
  timeoutMs: MsOrEver.default(30_000),
  signal: objectWith<AbortSignal>('aborted').optional(),
} satisfies Record<keyof ResultOptions, z.ZodType>);

export interface Results {
  /**
   * @throws ResultTimeoutError, ResultUnknownError, RedisAwayError, RedisRefusedError, ClosedError
   */
  of(jobId: string, options?: ResultOptions): Promise<JobResult>;
  /** Lets go; those who still wait get a ClosedError. */
  close(): void;
}

/** When a waiting caller looks for itself, in milliseconds: after the first, then at intervals that double up to the last. */
const LOOK_MS = { first: 100, last: 2000 };
/** So long a look may take in any case: what has ended is told also to who does not wait. In milliseconds. */
const ONE_LOOK_MS = 800;
/** How long the queue's events are listened to after the last result was waited for, in milliseconds. */
const LISTENS_MS = 1000;

/** Asks the queue; throws where Redis is away, or refuses. */
type Ask = <T>(work: () => Promise<T>) => Promise<T>;

export interface ResultsOptions {
  queue: Queue;
  /** For keys of our own. */
  connection: RedisConnection;
  /** Where a connection of its own is opened with the first result that is waited for. */
  target: RedisTarget;
  ask?: Ask;
}

/** Results of the jobs in a queue. */
export function createResults({
  queue,
  connection: asked,
  target,
  ask = (work) => work(),
}: ResultsOptions): Results {
  const waiting = new Map<string, Set<() => void>>();
  const closing = new AbortController();
  let ears: (() => void) | undefined;
  let stopsListening: NodeJS.Timeout | undefined;

  /** Has those woken who wait for a job that ends. */
  function listen(): void {
    clearTimeout(stopsListening);
    if (ears !== undefined) return;
    const connection = connectRedis(target);
    const letGo = withDuplicates(connection);
    const events = new QueueEvents(queue.name, {
      connection,
      prefix: queue.opts.prefix ?? '',
      autorun: true,
    });
    events.on('error', () => {});
    const wake = ({ jobId }: { jobId: string }) => waiting.get(jobId)?.forEach((wakeUp) => wakeUp());
    events.on('completed', wake);
    events.on('failed', wake);
    ears = () => {
      ears = undefined;
      clearTimeout(stopsListening);
      // Closing in peace waits for Redis, which may be away.
      void events.close().catch(() => {});
      letGo();
    };
  }

  /** Undefined while it has not ended; where Redis is away, which may pass, that. */
  async function askEnd(id: string): Promise<JobResult | RedisAwayError | undefined> {
    try {
      return await ask(() => endOf(queue, asked, id));
    } catch (error) {
      // Said by who closes, to everybody who waits.
      if (error instanceof ClosedError) return undefined;
      if (error instanceof RedisAwayError && !error.isRefusal) return error;
      const told = tellable(error);
      if (told instanceof RedisRefusedError || !isLostConnection(told)) throw told;
      return new RedisAwayError('the connection was lost', false, placeOf(target));
    }
  }

  return {
    async of(id, options = {}) {
      const { timeoutMs, signal } = checkedOptions(WaitOptions, options);
      signal?.throwIfAborted();
      if (closing.signal.aborted) throw new ClosedError();
      listen();
      const ends = [closing.signal, ...(signal === undefined ? [] : [signal])];
      const lateAt = performance.now() + timeoutMs;
      if (timeoutMs !== Infinity) ends.push(AbortSignal.timeout(Math.max(timeoutMs, ONE_LOOK_MS)));
      const over = AbortSignal.any(ends);
      const ended = new Promise<'over'>((resolve) => {
        over.addEventListener('abort', () => resolve('over'), { once: true });
      });
      let away: RedisAwayError | undefined;
      let wakeUp = new AbortController();
      const woken = () => wakeUp.abort();
      const others = waiting.get(id) ?? new Set();
      waiting.set(id, others.add(woken));
      try {
        for (let lookMs = LOOK_MS.first; ; lookMs = Math.min(2 * lookMs, LOOK_MS.last)) {
          // A Redis that is silent must not hold up whoever does not wait any longer.
          const end = await Promise.race([askEnd(id), ended]);
          if (end !== 'over') {
            if (end !== undefined && !(end instanceof RedisAwayError)) return end;
            away = end;
          }
          const next = AbortSignal.any([over, wakeUp.signal]);
          const leftMs = Math.max(0, lateAt - performance.now());
          if (!over.aborted) {
            await sleep(Math.min(lookMs, leftMs), undefined, { signal: next }).catch(() => {});
          }
          signal?.throwIfAborted();
          if (closing.signal.aborted) throw new ClosedError();
          if (over.aborted || performance.now() >= lateAt) {
            throw away ?? new ResultTimeoutError(`job ${id} has not ended within ${timeoutMs} ms`);
          }
          wakeUp = new AbortController();
        }
      } finally {
        others.delete(woken);
        if (others.size === 0) waiting.delete(id);
        // Its lines would keep a process that has nothing else to do.
        if (waiting.size === 0 && ears !== undefined) stopsListening = setTimeout(ears, LISTENS_MS);
      }
    },
    close() {
      closing.abort();
      ears?.();
    },
  };
}

/** Undefined while it has not ended. */
async function endOf(queue: Queue, connection: RedisConnection, id: string): Promise<JobResult | undefined> {
  const job = await queue.getJob(id);
  if (job === undefined) {
    throw new ResultUnknownError(
      `the queue ${queue.name} has no job ${id}: none was added under this id, or it has ended and is kept no longer`,
    );
  }
  if (job.finishedOn === undefined) return undefined;
  const result = resultOf(job);
  // Who may not read the tokens gets the result without.
  return withTokens(queue, connection, result).catch((error: unknown) => {
    if (isLostConnection(error)) throw error;
    return result;
  });
}

/** The tokens that came with a sign-up, as long as they are kept. */
async function withTokens(queue: Queue, connection: RedisConnection, result: JobResult): Promise<JobResult> {
  if (result.type !== 'user.created') return result;
  const { userId, jobId } = result.data;
  const kept = await connection.get(userTokensKey(queue.opts.prefix ?? '', userId));
  if (kept === null) return result;
  const { jobId: of, ...tokens } = UserTokens.parse(JSON.parse(kept));
  return of === jobId ? { ...result, data: { ...result.data, ...tokens } } : result;
}

const DONE = {
  'create-user': 'user.created',
  'update-user': 'user.updated',
  'delete-user': 'user.deleted',
} as const;

/** What the event of a finished job says, read from what is left of the job. */
function resultOf(job: Job): JobResult {
  const result = readResult(job.returnvalue === null ? failureOf(job) : successOf(job));
  if (result === undefined)
    throw new ResultUnknownError(`job ${job.id} was not ended by a worker of this contract`);
  return result;
}

function successOf({ name, returnvalue }: Job): unknown {
  const isSuperseded = typeof returnvalue === 'object' && 'by' in returnvalue;
  return { type: isSuperseded ? 'user.superseded' : isJobName(name) && DONE[name], data: returnvalue };
}

function failureOf({ id: jobId, name, data, failedReason, attemptsMade: attempts }: Job): unknown {
  const [, told, message] = /^([a-z-]+): (.*)$/s.exec(failedReason) ?? [];
  const code = FAILURE_CODES.find((code) => code === told);
  const { occurredAt: _, ...reference } = referenceOfText(JSON.stringify(data));
  return {
    type: 'user.failed',
    data: {
      instance: 'default',
      ...reference,
      jobId,
      operation: isJobName(name) ? name : 'unknown',
      // A queue that gives up by itself, as on a job that stalled too often, says so in its own words.
      code: code ?? 'retries-exhausted',
      message: code === undefined ? failedReason : message,
      attempts,
    },
  };
}
