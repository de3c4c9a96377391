/**
 * The metrics in the text format of Prometheus: the work of this worker, and the present state of the fleet. Labels are closed sets and
 * names from the configuration, never a value from a job.
 */
import { fleetMetrics } from './fleet-metrics.ts';
import type { FleetStatus } from './fleet-status.ts';
import type { Notification } from './notifications.ts';
import { cached } from './cached.ts';
import { withTimeout } from './with-timeout.ts';
import { CONTENT_TYPE } from './prometheus.ts';
import { createWorkerMetrics } from './worker-metrics.ts';

export interface MetricsSources {
  version: string;
  status: () => Promise<FleetStatus>;
}

export interface Metrics {
  readonly contentType: string;
  /** Concurrent callers share one answer. Omits values that cannot be read within a second. */
  read(): Promise<string>;
}

export interface WorkerMetrics extends Metrics {
  /** Counts a notification. */
  count(notification: Notification): void;
}

const PATIENCE_MS = 1000;

export function createMetrics({ version, status }: MetricsSources): WorkerMetrics {
  const work = createWorkerMetrics(version);
  const ask = cached(status);

  return {
    contentType: CONTENT_TYPE,
    count: (notification) => work.count(notification),
    read: cached(async () => {
      const fleet = fleetMetrics(await withTimeout(PATIENCE_MS, ask()));
      return `${work.text()}\n${fleet}`;
    }),
  };
}
