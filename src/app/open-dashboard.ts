/**
 * Builds the dashboard from the worker's parts, if it is configured; otherwise loads none of its code.
 */
import type { Queue } from 'bullmq';
import type { Config } from '../config/config.ts';
import type { FleetStatus } from '../ops/fleet-status.ts';
import type { Mount } from '../ops/health.ts';
import type { Log } from '../ops/log.ts';
import type { RedisConnection } from '../redis/connection.ts';
import { readMinutes } from '../store/users/outcome-counts.ts';

export interface DashboardParts {
  log: Log;
  connection: RedisConnection;
  jobs: Queue;
  events: readonly Queue[];
  status: () => Promise<FleetStatus>;
}

/** Shorter passwords are too easy to guess. */
const LONG_ENOUGH = 12;

export async function openDashboard(
  config: Config,
  { log, connection, jobs, status }: DashboardParts,
): Promise<Mount | undefined> {
  const { dashboard, queues } = config;
  if (dashboard === undefined) return undefined;
  if (dashboard.password.length < LONG_ENOUGH) {
    log.warn(`DASHBOARD_PASSWORD is short: ${LONG_ENOUGH} characters or more are hard to guess`);
  }
  const [{ createDashboard }, { createDueCounts }] = await Promise.all([
    import('../ops/dashboard/dashboard.ts'),
    import('../store/deletions/due-counts.ts'),
  ]);
  return createDashboard({
    access: {
      ...dashboard,
      onLimited: () => log.warn('dashboard: too many wrong passwords from one address'),
    },
    fleet: {
      fleet: status,
      minutes: () => readMinutes(connection, queues.prefix),
      calendar: () => createDueCounts({ jobs, prefix: queues.prefix }).byDay(),
      isThere: () => connection.status === 'ready',
    },
    loginsPerHour: config.loginsPerHour,
    isSandbox: config.damoov === 'sandbox',
  });
}
