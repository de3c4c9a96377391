/**
 * How many deletions are pending, and on which days they are due: exact counts of what this service has scheduled. A deletion that
 * another BullMQ client has added is a delayed job like any other, and not counted here.
 */
import type { Queue } from 'bullmq';
import { z } from 'zod';
import { jsonScriptsOf, luaBeside } from '../../redis/scripts.ts';
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
  const readLua = luaBeside(import.meta.url);
  const script = jsonScriptsOf(jobs, { 'due-counts': readLua('../clock', 'due-counts') });
  const count = async (ends: number[]) =>
    Reply.parse(await script('due-counts')([pendingKeyOf(prefix)], { ends }));
  return {
    async pending() {
      const [total, first] = await count([]);
      return { count: total, ...(first !== '' && { nextDueAt: Number(first) }) };
    },
    async byDay(now = Date.now(), days = 30) {
      const today = now - (now % DAY_MS);
      const begins = Array.from({ length: days + 1 }, (_, day) => today + day * DAY_MS);
      const [total, , ...untils] = await count(begins.slice(1));
      return begins.map((from, day) => ({
        from,
        deletions: (untils[day] ?? total) - (untils[day - 1] ?? 0),
      }));
    },
  };
}

const Reply = z.tuple([z.number(), z.string()]).rest(z.number());
