/**
 * How many deletions are pending, and on which days they are due: exact counts of what this service has scheduled. A deletion that
 * another BullMQ client has added is a delayed job like any other, and not counted here.
 */
import type { Queue } from 'bullmq';
import { changesIn } from '../../redis/change.ts';
import { pendingKeyOf } from './deletion-names.ts';

export interface PendingDeletions {
  /** Those that the deletion limit holds and those at work are pending too; those that were cancelled are not. */
  count: number;
  /** Epoch milliseconds; undefined if there is none. */
  nextDueAt?: number;
}

/** A day in UTC. */
export interface DayOfDeletions {
  /** When it begins, in epoch milliseconds: the first is today, with what is overdue; the last has all that comes after. */
  from: number;
  deletions: number;
}

export interface DueCounts {
  pending: () => Promise<PendingDeletions>;
  /** @param days how many, before the one that has the rest. Default 30. */
  byDay: (now?: number, days?: number) => Promise<DayOfDeletions[]>;
}

const DAY_MS = 24 * 3600 * 1000;

export function createDueCounts({ jobs, prefix }: { jobs: Queue; prefix: string }): DueCounts {
  const change = changesIn(jobs);
  const key = pendingKeyOf(prefix);
  return {
    pending: () =>
      change((seen) => {
        const [, first] = seen.list('ZRANGE', key, 0, 0, 'WITHSCORES');
        const count = Number(seen.read('ZCARD', key));
        return { answer: { count, ...(first !== undefined && { nextDueAt: Number(first) }) } };
      }),
    byDay: (now = Date.now(), days = 30) =>
      change((seen) => {
        const today = now - (now % DAY_MS);
        const begins = Array.from({ length: days + 1 }, (_, day) => today + day * DAY_MS);
        const ends = begins.slice(1).map((end) => seen.read('ZCOUNT', key, '-inf', `(${end}`));
        const untils = [...ends, seen.read('ZCARD', key)].map(Number);
        const deletions = untils.map((until, day) => until - (untils[day - 1] ?? 0));
        return { answer: begins.map((from, day) => ({ from, deletions: deletions[day] ?? 0 })) };
      }),
  };
}
