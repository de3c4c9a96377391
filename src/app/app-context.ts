/**
 * What every part of the service gets: the configuration, the times that a test may shorten, the listeners, and the steps that close the
 * service.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../config/config.ts';
import { type Log, createLogWriter } from '../ops/log.ts';
import { type Notification, emitTo } from '../ops/notifications.ts';
import type { ProbeIntervals } from '../store/circuits/circuits.ts';

/** Below the 30 s that container platforms give. */
export const GRACE_MS = 25_000;

/** Not configurable, but shorter in tests; in milliseconds unless noted. */
export interface Timings {
  /** How long active jobs may take once the service has to stop. */
  graceMs: number;
  /** How long returning unfinished jobs may take after that. */
  giveBackMs?: number | undefined;
  /** Duration of a job's lock without renewal. */
  lockMs: number;
  /** When a refused credential, and Damoov after an outage, are tried again. */
  probes: { credential: ProbeIntervals; outage: ProbeIntervals };
  /** Interval at which each worker releases held jobs and starts due probes. */
  wakeHeldMs: number;
  /** Interval at which each worker compares its UserId settings with the fleet's. */
  compareMs: number;
  /** Interval at which each worker looks for alerts. */
  alertsMs: number;
  /** How long spans are batched before they are sent. */
  gatherMs: number;
  /** How long look-ups at Damoov may lag behind a create: until then, an empty look-up proves nothing. */
  lagMs: number;
  /** The clock of logins and probes, in epoch milliseconds. */
  now?: (() => number) | undefined;
  /** How a run waits before it repeats a look-up; resolves at once if the signal aborts. */
  pause: (ms: number, signal: AbortSignal) => Promise<void>;
}

export interface AppContext {
  readonly config: Config;
  readonly log: Log;
  readonly timings: Timings;
  /** The deadline of a request: no request may outlive its job's lock. */
  readonly timeoutMs: number;
  readonly emit: (notification: Notification) => void;
  readonly listen: (listener: (notification: Notification) => void) => void;
  /** Steps that close the service; they run in reverse order. */
  readonly closing: (() => Promise<unknown>)[];
  /** Runs the steps. Always resolves. */
  close(): Promise<void>;
}

export function createAppContext(config: Config, log: Log, given: Partial<Timings>): AppContext {
  const timings: Timings = {
    graceMs: GRACE_MS,
    lockMs: Math.max(30_000, 4 * config.timeoutMs),
    probes: {
      credential: { firstMs: 5000, lastMs: 15 * 60_000 },
      // A probe costs only a request, while logins are rationed.
      outage: { firstMs: 2000, lastMs: 30_000 },
    },
    wakeHeldMs: 1000,
    compareMs: 10_000,
    alertsMs: 30_000,
    gatherMs: 5000,
    // Damoov does not document how soon a look-up shows a new user.
    lagMs: 15 * 60_000,
    pause: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => {}),
    ...given,
  };
  const hasAdmin = config.damoov === 'sandbox' || config.damoov.admin !== undefined;
  const listeners = [createLogWriter(log, { hasAdmin })];
  const emit = emitTo(listeners);
  const closing: (() => Promise<unknown>)[] = [];
  return {
    config,
    log,
    timings,
    timeoutMs: Math.min(config.timeoutMs, timings.lockMs / 2),
    emit,
    listen: (listener) => void listeners.push(listener),
    closing,
    async close() {
      for (const step of closing.toReversed()) {
        await step().catch((error: Error) => emit({ is: 'stopped-uncleanly', error }));
      }
    },
  };
}
