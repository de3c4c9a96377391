/**
 * Builds the dashboard, where the configuration asks for one, of what the worker has; nothing of it is loaded where it does not.
 */
import { Queue } from 'bullmq';
import type { Config } from './config.ts';
import type { FleetStatusSources } from './ops/fleet-status.ts';
import type { Mount } from './ops/health.ts';
import type { Log } from './ops/log.ts';
import type { RedisConnection } from './redis/connection.ts';
import { readMinutes, readOutcomes } from './redis/ledger/outcome-counts.ts';

export interface DashboardParts extends Pick<
  FleetStatusSources,
  'jobs' | 'gateNames' | 'gateOf' | 'logins' | 'rate'
> {
  log: Log;
  connection: RedisConnection;
}

/** Shorter ones are guessed sooner than anybody looks into the log. */
const LONG_ENOUGH = 12;

export async function openDashboard(
  config: Config,
  { log, connection, ...parts }: DashboardParts,
): Promise<Mount | undefined> {
  const { dashboard, queues } = config;
  if (dashboard === undefined) return undefined;
  if (dashboard.password.length < LONG_ENOUGH) {
    log.warn(`DASHBOARD_PASSWORD is short: ${LONG_ENOUGH} characters or more are hard to guess`);
  }
  const [{ createDashboard }, { createFleetStatus }, { createDeletionsCalendar }] = await Promise.all([
    import('./ops/dashboard/dashboard.ts'),
    import('./ops/fleet-status.ts'),
    import('./redis/deletions/calendar.ts'),
  ]);
  const { prefix } = queues;
  const events = queues.events.map((name) => {
    const queue = new Queue(name, { connection, prefix, skipMetasUpdate: true });
    // Only echoes what the connection says itself; without a listener BullMQ would print it.
    queue.on('error', () => {});
    return queue;
  });
  return createDashboard({
    access: {
      ...dashboard,
      onLimited: () => log.warn('dashboard: too many wrong passwords from one address'),
    },
    sources: {
      fleet: createFleetStatus({ ...parts, events, outcomes: () => readOutcomes(connection, prefix) }),
      minutes: () => readMinutes(connection, prefix),
      calendar: createDeletionsCalendar(parts.jobs),
      isThere: () => connection.status === 'ready',
    },
    jobs: parts.jobs,
    events,
    loginsPerHour: config.loginsPerHour,
    isSandbox: config.damoov === 'sandbox',
  });
}
