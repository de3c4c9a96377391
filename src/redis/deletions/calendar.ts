/**
 * About how many deletions are due on each of the coming days, told at once whatever their number. The days are counted in the
 * queue's own order; how many of a day's jobs are deletions is told from some of them.
 */
import type { Queue } from 'bullmq';
import { z } from 'zod';
import { SCORE_PER_MS } from '../score.ts';
import { luaBeside, scriptsOf } from '../scripts.ts';

/** A day in UTC. */
export interface DayOfDeletions {
  /** When it begins, in epoch milliseconds: the first is today, with what is overdue; the last has all that comes after. */
  from: number;
  deletions: number;
  /** False where it is an estimate, from the share of the deletions among some of the day's jobs. */
  isExact: boolean;
}

/** How many jobs are looked at for one day: what is due weeks ahead is hardly ever anything but deletions. */
const LOOKED_AT = 12;
const DAY_MS = 24 * 3600 * 1000;

/** What the brake or a gate holds is due when it is looked at again. @param days how many, before the one that has the rest. */
export function createDeletionsCalendar(jobs: Queue, days = 30): (now?: number) => Promise<DayOfDeletions[]> {
  const script = scriptsOf(jobs, { 'deletions-calendar': luaBeside(import.meta.url)('calendar') });
  return async (now = Date.now()) => {
    const today = now - (now % DAY_MS);
    const begins = Array.from({ length: days + 1 }, (_, day) => today + day * DAY_MS);
    const ends = begins.slice(1).map((at) => String(at * SCORE_PER_MS));
    const reply = await script('deletions-calendar')(
      [jobs.toKey('delayed')],
      [jobs.toKey(''), LOOKED_AT, ...ends],
    );
    return Spans.parse(reply).map(([total, looked, deletions], day) => ({
      from: begins[day] ?? 0,
      deletions: looked === 0 ? 0 : Math.round((total * deletions) / looked),
      isExact: looked === total,
    }));
  };
}

const Spans = z.array(z.tuple([z.number(), z.number(), z.number()]));
