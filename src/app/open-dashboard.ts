/**
 * Opens the dashboard, if it is configured; otherwise loads none of its code.
 */
import type { Queue } from 'bullmq';
import type { Config } from '../config/config.ts';
import type { CircuitName } from '../lifecycle/ports/circuits.ts';
import type { FleetStatus } from '../ops/fleet-status.ts';
import type { Mount } from '../ops/health.ts';
import type { SettledInTime } from '../ops/settled-in-time.ts';
import type { Log } from '../ops/log.ts';
import type { RedisConnection } from '../redis/connection.ts';
import type { instancesOf } from './user-id-settings.ts';

export interface DashboardParts {
  log: Log;
  connection: RedisConnection;
  jobs: Queue;
  events: readonly Queue[];
  circuits: readonly CircuitName[];
  instances: ReturnType<typeof instancesOf>;
  status: () => Promise<FleetStatus>;
  inTime: () => SettledInTime;
  /** Called for an internal error that no page shows. */
  onError: (error: Error) => void;
  /** Steps that close the service. */
  closing: (() => Promise<unknown>)[];
}

/** Shorter passwords are too easy to guess. */
const LONG_ENOUGH = 12;

export async function openDashboard(config: Config, parts: DashboardParts): Promise<Mount | undefined> {
  const { dashboard } = config;
  if (dashboard === undefined) return undefined;
  const passwords = {
    DASHBOARD_PASSWORD: dashboard.viewer?.password,
    DASHBOARD_OPERATOR_PASSWORD: dashboard.operator?.password,
  };
  for (const [name, password] of Object.entries(passwords)) {
    if (password !== undefined && password.length < LONG_ENOUGH)
      parts.log.warn(`${name} is short: ${LONG_ENOUGH} characters or more are hard to guess`);
  }
  const { buildDashboard } = await import('./build-dashboard.ts');
  return buildDashboard(config, dashboard, parts);
}
