/**
 * Opens the HTTP server for operators: readiness, metrics and the dashboard.
 */
import { createAddedAt } from '../bullmq/imports.ts';
import { brokenKeysOf } from '../bullmq/queue-keys.ts';
import { version } from '../config/package-version.ts';
import { circuitsAreClosed, queuesAreWhole, redisTakesWrites, requestsLeave } from '../ops/checks.ts';
import { type FleetStatus, createFleetStatus } from '../ops/fleet-status.ts';
import { type Check, startHealthServer } from '../ops/health.ts';
import type { HttpServer } from '../ops/http-server.ts';
import { createMetrics } from '../ops/metrics.ts';
import { createSettledCounter } from '../ops/settled-in-time.ts';
import { awayText } from '../redis/connection.ts';
import { every } from '../redis/every.ts';
import { refusalToWrite } from '../redis/refusal.ts';
import { createDueCounts } from '../store/deletions/due-counts.ts';
import { readOutcomes } from '../store/users/outcome-counts.ts';
import type { Parts } from './app.ts';
import type { AppContext } from './app-context.ts';
import { openDashboard } from './open-dashboard.ts';
import { instancesOf } from './user-id-settings.ts';

export async function openHealth(context: AppContext, parts: Parts): Promise<HttpServer> {
  const { config, log, emit, listen, closing } = context;
  const { redis, queues, circuits, damoov } = parts;
  const status = statusOf(context, parts);
  const onError = (error: Error) => emit({ is: 'http-faulty', error });
  const metrics = createMetrics({ version, status });
  const settled = createSettledCounter();
  listen((notification) => metrics.count(notification));
  listen((notification) => settled.count(notification));
  const health = await startHealthServer(config.http, {
    checks: checksOf(context, parts),
    metrics,
    dashboard: await openDashboard(config, {
      log,
      connection: redis.connection,
      jobs: queues.jobs,
      events: queues.publisher.queues,
      circuits: circuits.names,
      instances: instancesOf(damoov, config.userId.secret),
      status,
      inTime: () => settled.read(),
      onError,
      closing,
    }),
    onError,
  });
  closing.push(() => health.close());
  await openAlerts(context, parts, status);
  return health;
}

/** Loaded only if a webhook is configured. */
async function openAlerts(
  { config, timings, emit, closing }: AppContext,
  { queues: { jobs } }: Parts,
  status: () => Promise<FleetStatus>,
): Promise<void> {
  const { alertsUrl: url, queues } = config;
  if (url === undefined) return;
  const [{ createAlerts }, { createAlertStore }] = await Promise.all([
    import('../ops/alerts/alerts.ts'),
    import('../store/alerts/alert-store.ts'),
  ]);
  const look = createAlerts({
    status,
    store: createAlertStore(jobs, queues.prefix),
    url,
    fleet: queues.prefix,
    onFault: (reason) => emit({ is: 'alert-unsent', reason }),
  });
  const stop = every(look, timings.alertsMs);
  closing.push(async () => stop());
}

function statusOf(
  { config: { queues: names } }: AppContext,
  { redis: { connection }, queues, circuits, fleet }: Parts,
): () => Promise<FleetStatus> {
  const { prefix } = names;
  const { jobs, publisher } = queues;
  const { logins, traffic } = fleet;
  return createFleetStatus({
    refusal: () => refusalToWrite(connection, prefix),
    jobs,
    addedAt: createAddedAt(connection, prefix),
    events: publisher.queues,
    circuitNames: circuits.names,
    circuitOf: circuits.circuits.stateOf,
    outcomes: () => readOutcomes(connection, prefix),
    logins: logins && (() => logins.state()),
    rate: () => traffic.state(),
    deletions: createDueCounts({ jobs, prefix }).pending,
  });
}

function checksOf(
  { config: { queues: names } }: AppContext,
  { redis, queues, circuits, fleet }: Parts,
): Record<string, Check> {
  const { connection, place } = redis;
  const away = (reason = redis.lostFor ?? 'no answer yet') => awayText(reason, place);
  return {
    redis: redisTakesWrites(connection, names.prefix, away),
    queues: queuesAreWhole(() => brokenKeysOf(connection, [queues.jobs, ...queues.publisher.queues])),
    requests: requestsLeave(() => fleet.traffic.state()),
    answers: async () =>
      circuits.failureDetector.isCutOff
        ? { ok: false, reason: 'this worker gets no answer from Damoov' }
        : { ok: true },
    ...circuitsAreClosed(circuits.names, circuits.circuits.stateOf),
  };
}
