/**
 * Counts how many jobs ended how, in a small hash for each minute. The script that settles a job counts it in the same step, so
 * redelivery neither counts twice nor misses one; a failed job that is retried and ends again counts again.
 * This costs a settlement two calls within Redis. Counting the events' ids instead would need every event kept, the completed and failed
 * sets are trimmed by age and number, and a worker's own counts die with it.
 */
import { z } from 'zod';
import type { UserEvent } from '../../contract/event.ts';
import type { RedisConnection } from '../../redis/connection.ts';
import { changesIn } from '../../redis/change.ts';

/** The number of jobs with one outcome. */
export interface OutcomeCount {
  /** The job's name, or `unknown`. */
  operation: string;
  outcome: 'done' | 'superseded' | 'failed';
  /** Why it failed, or what superseded it. */
  code?: string;
  jobs: number;
}

/** Two hours, so that the last hour is always complete; in seconds. */
export const KEEP_OUTCOMES_S = 2 * 3600;

/** The outcomes of one minute. */
export interface MinuteOfOutcomes {
  /** When the minute began, in epoch milliseconds. */
  at: number;
  counts: OutcomeCount[];
}

/**
 * The outcomes of the last minutes: the current one and as many whole ones before it; the most frequent first.
 * @param minutes at most 119, as older ones are gone.
 */
export async function readOutcomes(
  connection: RedisConnection,
  prefix: string,
  minutes = 60,
): Promise<OutcomeCount[]> {
  return sumOf(await readMinutes(connection, prefix, minutes));
}

/** The outcomes of each of the last minutes: the oldest first, the current one last, by Redis' clock. */
export async function readMinutes(
  connection: RedisConnection,
  prefix: string,
  minutes = 60,
): Promise<MinuteOfOutcomes[]> {
  return changesIn(connection)((seen) => {
    const current = Math.floor(seen.now / MINUTE_MS);
    const all = Array.from({ length: minutes + 1 }, (_, n) => current - minutes + n);
    const countsOf = (minute: number) => {
      const fields = seen.list('HGETALL', `${outcomesBaseOf(prefix)}${minute}`);
      return fields.flatMap((field = '', n) => (n % 2 === 0 ? [countIn(field, Number(fields[n + 1]))] : []));
    };
    return { answer: all.map((minute) => ({ at: minute * MINUTE_MS, counts: countsOf(minute) })) };
  });
}

/** Their sum, the most frequent first. */
export function sumOf(minutes: readonly MinuteOfOutcomes[]): OutcomeCount[] {
  const sums = new Map<string, OutcomeCount>();
  for (const count of minutes.flatMap(({ counts }) => counts)) {
    const kind = JSON.stringify([count.operation, count.outcome, count.code]);
    sums.set(kind, { ...count, jobs: count.jobs + (sums.get(kind)?.jobs ?? 0) });
  }
  return [...sums.values()].sort((a, b) => b.jobs - a.jobs);
}

const MINUTE_MS = 60_000;

/** The prefix of each minute's key. */
export function outcomesBaseOf(prefix: string): string {
  return `${prefix}:outcomes:`;
}

/** The field that counts the job of this event. */
export function fieldOf(event: UserEvent): string {
  switch (event.type) {
    case 'user.created':
      return 'create-user:done:';
    case 'user.updated':
      return 'update-user:done:';
    case 'user.deleted':
      return 'delete-user:done:';
    case 'user.moved':
      return 'move-user:done:';
    case 'user.superseded':
      return `${event.data.operation}:superseded:${event.data.by}`;
    case 'user.failed':
      return `${event.data.operation}:failed:${event.data.code}`;
  }
}

function countIn(field: string, jobs: number): OutcomeCount {
  const [operation = '', outcome, code = ''] = field.split(':');
  const is = z.enum(['done', 'superseded', 'failed']).parse(outcome);
  return { operation, outcome: is, ...(code !== '' && { code }), jobs };
}
