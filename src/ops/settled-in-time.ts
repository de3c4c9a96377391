/**
 * The share of jobs that this worker has settled in time, over the windows of the alerts. Counts by minute, for six hours.
 */
import type { Notification } from './notifications.ts';

/** The goal, the same as in deploy/prometheus/alerts.yml: so many jobs end within this time of being due, over 30 days. */
export const GOAL = { share: 0.99, withinMs: 60_000 };

/** In minutes; each with the burn rate from which an alert is raised, if the shorter window has it, too. */
const WINDOWS = [
  { minutes: 5, most: 14.4 },
  { minutes: 60, most: 14.4 },
  { minutes: 30, most: 6 },
  { minutes: 360, most: 6 },
] as const;

export interface Window {
  minutes: number;
  settled: number;
  late: number;
  /** How many times as fast as allowed the late jobs use up what the goal leaves; undefined if no job was settled. */
  burnRate: number | undefined;
  isBurning: boolean;
}

export interface SettledInTime {
  /** Since when this worker counts, in epoch milliseconds. */
  since: number;
  windows: Window[];
}

export interface SettledCounter {
  count(notification: Notification): void;
  read(): SettledInTime;
}

const MINUTE_MS = 60_000;
const LONGEST = Math.max(...WINDOWS.map(({ minutes }) => minutes));

export function createSettledCounter(now: () => number = Date.now): SettledCounter {
  const since = now();
  const byMinute = new Map<number, { settled: number; late: number }>();
  const current = () => Math.floor(now() / MINUTE_MS);
  return {
    count(notification) {
      if (notification.is !== 'run-ended') return;
      const { decision, sinceDueMs } = notification.run;
      if (decision.next !== 'complete' && decision.next !== 'fail') return;
      const minute = byMinute.get(current()) ?? { settled: 0, late: 0 };
      byMinute.set(current(), minute);
      minute.settled += 1;
      if (sinceDueMs > GOAL.withinMs) minute.late += 1;
      for (const old of byMinute.keys()) {
        if (old > current() - LONGEST) break;
        byMinute.delete(old);
      }
    },
    read: () => ({ since, windows: WINDOWS.map((window) => windowOf(window)) }),
  };

  function windowOf({ minutes, most }: (typeof WINDOWS)[number]): Window {
    const counted = [...byMinute].filter(([minute]) => minute > current() - minutes);
    const settled = counted.reduce((sum, [, minute]) => sum + minute.settled, 0);
    const late = counted.reduce((sum, [, minute]) => sum + minute.late, 0);
    const burnRate = settled === 0 ? undefined : late / settled / (1 - GOAL.share);
    return { minutes, settled, late, burnRate, isBurning: (burnRate ?? 0) > most };
  }
}
