/**
 * The metrics in the text format of Prometheus: the work of this worker, and the present state of the fleet. Labels are closed sets and
 * names from the configuration, never a value from a job.
 */
import { Registry } from 'prom-client';
import { createFleetMetrics } from './fleet-metrics.ts';
import type { FleetStatus } from './fleet-status.ts';
import type { Notification } from './notifications.ts';
import { cached } from './cached.ts';
import { withTimeout } from './with-timeout.ts';
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
  const registry = new Registry();
  const count = createWorkerMetrics(registry, version);
  const show = createFleetMetrics();
  const ask = cached(status);

  return {
    contentType: registry.contentType,
    count,
    read: cached(async () => {
      const fleet = await show(await withTimeout(PATIENCE_MS, ask()));
      return `${await registry.metrics()}\n${fleet}`;
    }),
  };
}
