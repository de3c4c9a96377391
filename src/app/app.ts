/**
 * Builds the service from its configuration and wires its parts: the one place that knows them all.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Queue } from 'bullmq';
import { createAddedAt } from '../bullmq/imports.ts';
import { createJobQueue } from '../bullmq/job-queue.ts';
import type { Config, ConfigError } from '../config/config.ts';
import { eventSource } from '../contract/event.ts';
import { GENESIS, type Statement, signReceipt } from '../contract/receipt.ts';
import { createPublisher } from '../bullmq/publisher.ts';
import { openFleetClient } from './fleet-client.ts';
import { fingerprintsOf } from './circuit-fingerprints.ts';
import { openDashboard } from './open-dashboard.ts';
import { gatesAreOpen, queuesAreWhole, redisTakesWrites, requestsLeave } from '../ops/checks.ts';
import { within } from '../ops/with-timeout.ts';
import { createFleetStatus } from '../ops/fleet-status.ts';
import { type Happening, tellAll } from '../ops/notifications.ts';
import { startHealthServer } from '../ops/health.ts';
import { type Log, createLogWriter } from '../ops/log.ts';
import { createMetrics } from '../ops/metrics.ts';
import type { Tracing } from '../ops/tracing.ts';
import { createAgreedSettings } from '../store/settings/agreed-settings.ts';
import { awayText, connectRedis, placeOf } from '../redis/connection.ts';
import { readOutcomes } from '../store/users/outcome-counts.ts';
import { type ProbeIntervals, createGates } from '../store/circuits/circuits.ts';
import { brokenKeysOf } from '../bullmq/queue-keys.ts';
import { regularly } from '../redis/every.ts';
import { outageOf, refusalToWrite } from '../redis/refusal.ts';
import { createUserLedger } from '../store/users/user-state.ts';
import { GIVE_BACK_MS } from '../bullmq/stop-worker.ts';
import { createDueCounts } from '../store/deletions/due-counts.ts';
import { createDeletionGuard } from '../store/deletions/guard.ts';
import { standIn } from './embedded-defaults.ts';
import { agreeOnUserIds, instancesOf, userIdSettingsOf } from './user-id-settings.ts';
import { version } from '../config/package-version.ts';
import type { Pipeline } from '../lifecycle/delivery.ts';
import { type GateName, gateName } from '../lifecycle/ports/circuits.ts';
import { Witness } from '../lifecycle/failure-detector.ts';
import { createSeal } from '../lifecycle/encryption.ts';
import { startWorker } from '../bullmq/worker.ts';

export interface App {
  /** Where `/livez`, `/readyz`, `/metrics` and, where it is configured, `/dashboard` are answered. */
  readonly url: string;
  /** Stops taking jobs, finishes or gives back those in flight, and lets go of everything. Always resolves. */
  close(): Promise<void>;
  /** Resolves where the service must not go on as it is configured: it is to be closed. */
  readonly broken: Promise<ConfigError>;
}

export interface AppOptions {
  /** Whether the fleet is to have this configuration's settings of UserIds from now on, whatever it had. Default false. */
  replacesUserIdSettings?: boolean | undefined;
}

/** What nobody needs to configure, but a test wants shorter; in milliseconds where nothing else is said. */
export interface Timings {
  /** How long jobs in flight may take once the service is told to stop: below the 30 s that container platforms give. */
  graceMs: number;
  /** How long giving back may take that was not finished by then. */
  giveBackMs?: number | undefined;
  /** How long a job stays with a worker that gives no sign of life. */
  lockMs: number;
  /** When a credential that was refused, and Damoov after an outage, are tried again. */
  probes: { credential: ProbeIntervals; outage: ProbeIntervals };
  /** How often each worker looks after jobs that wait for that. */
  tendMs: number;
  /** How often each worker compares its settings of UserIds with the fleet's. */
  compareMs: number;
  /** How long spans of traces are gathered before they are sent. */
  gatherMs: number;
  /** How long look-ups at Damoov may lag behind a create: until then, that they show nobody proves nothing. */
  lagMs: number;
  /** The clock of log-ins and probes, in epoch milliseconds. */
  now: () => number;
  /** How much work each start puts into the key of the admin's session: see `FleetClientOptions`. */
  keyWork: number | undefined;
  /** How a run waits before it looks again for a user; resolves at once where the signal aborts. */
  pause: (ms: number, signal: AbortSignal) => Promise<void>;
}

const PROBES = {
  credential: { firstMs: 5000, lastMs: 15 * 60_000 },
  // A probe costs nothing but a request, while a log-in is rationed.
  outage: { firstMs: 2000, lastMs: 30_000 },
};

/** Nothing is documented of how soon a look-up shows a new user. */
const LAG_MS = 15 * 60_000;

/**
 * Starts the service: what is not configured is embedded.
 * @throws ConfigError where the fleet has other settings of UserIds.
 */
export async function startApp(
  config: Config,
  log: Log,
  timings: Partial<Timings> = {},
  { replacesUserIdSettings = false }: AppOptions = {},
): Promise<App> {
  const {
    graceMs = 25_000,
    giveBackMs,
    lockMs = Math.max(30_000, 4 * config.timeoutMs),
    probes = PROBES,
    tendMs = 1000,
    compareMs = 10_000,
    gatherMs = 5000,
    lagMs = LAG_MS,
    now,
    keyWork,
    pause = (ms, signal) => sleep(ms, undefined, { signal }).catch(() => {}),
  } = timings;
  // Nothing is sent that might outlive its job's lock, so a deadline near the lock would let nothing be sent.
  const timeoutMs = Math.min(config.timeoutMs, lockMs / 2);
  const hasAdmin = config.damoov === 'sandbox' || config.damoov.admin !== undefined;
  const listeners: ((happening: Happening) => void)[] = [createLogWriter(log, { hasAdmin })];
  const tell = tellAll(listeners);
  const closing: (() => Promise<unknown>)[] = [];
  const close = async (): Promise<void> => {
    for (const step of closing.toReversed()) {
      await step().catch((error: Error) => tell({ is: 'stopped-uncleanly', error }));
    }
  };
  try {
    const tracing = await tracingOf(config, gatherMs, tell);
    if (tracing !== undefined) {
      listeners.push((happening) => tracing.note(happening));
      closing.push(() => tracing.close());
    }
    const { telemetry } = tracing ?? {};
    const { target, damoov } = await standIn(config, log, closing);

    let isClosing = false;
    const redisIsAway = Promise.withResolvers<void>();
    const place = placeOf(target);
    let lostFor: string | undefined;
    const connection = connectRedis(target, (state, reason) => {
      lostFor = state === 'lost' ? (reason ?? 'no answer') : undefined;
      if (state === 'ready') return tell({ is: 'redis-ready', place });
      redisIsAway.resolve();
      if (!isClosing) tell({ is: 'redis-lost', reason, place });
    });
    closing.push(async () => {
      isClosing = true;
      connection.disconnect();
    });

    const { prefix } = config.queues;
    const { client, logins, traffic, fingerprint } = await openFleetClient(config, damoov, {
      connection,
      timeoutMs,
      now,
      keyWork,
      onRevoked: (withinHour) => tell({ is: 'session-revoked', withinHour }),
      onLowered: (state) => tell({ is: 'rate-lowered', ...state }),
      onArrival: (request) => tell({ is: 'request-ended', request }),
    });
    closing.push(() => client.close());

    const publisher = createPublisher(connection, prefix, config.queues.events, telemetry);
    const jobs = new Queue(config.queues.jobs, { connection, prefix });
    jobs.on('error', () => {});
    closing.push(async () => {
      if (connection.status === 'ready') await Promise.all([publisher.close(), jobs.close()]);
    });
    const fingerprints = fingerprintsOf(damoov, fingerprint);
    const jobQueue = createJobQueue(jobs);
    const gates = createGates({
      prefix,
      jobs,
      jobQueue,
      lockMs,
      fingerprints,
      probes,
      now,
      onChange: (change) => tell({ is: 'gate-changed', change }),
    });
    const accepted = new Set<GateName>();
    let compareSettings = (): void => {};
    const witness = new Witness({
      retry: config.retry,
      onPassed: (gate) => {
        if (!accepted.has(gate)) {
          accepted.add(gate);
          compareSettings();
        }
        gates.passed(gate);
      },
    });
    const gateNames = [...fingerprints.keys()];
    const dueCounts = createDueCounts({ jobs, prefix });
    const status = createFleetStatus({
      refusal: () => refusalToWrite(connection, prefix),
      jobs,
      addedAt: createAddedAt(connection, prefix),
      events: publisher.queues,
      gateNames,
      gateOf: gates.stateOf,
      outcomes: () => readOutcomes(connection, prefix),
      logins: logins && (() => logins.state()),
      rate: () => traffic.state(),
      deletions: dueCounts.pending,
    });
    const metrics = createMetrics({ version, status });
    listeners.push((happening) => metrics.count(happening));
    // Before any job is taken: where the port cannot be had, nothing has been sent yet.
    const health = await startHealthServer(config.http, {
      checks: {
        redis: redisTakesWrites(connection, prefix, (reason = lostFor ?? 'no answer yet') =>
          awayText(reason, place),
        ),
        queues: queuesAreWhole(() => brokenKeysOf(connection, [jobs, ...publisher.queues])),
        requests: requestsLeave(() => traffic.state()),
        answers: async () =>
          witness.isCutOff ? { ok: false, reason: 'this worker gets no answer from Damoov' } : { ok: true },
        ...gatesAreOpen(gateNames, gates.stateOf),
      },
      metrics,
      dashboard: await openDashboard(config, { log, connection, jobs, events: publisher.queues, status }),
      onError: (error) => tell({ is: 'http-faulty', error }),
    });
    closing.push(() => health.close());

    const { receiptKey } = config;
    // A deletion may have been settled by a worker with another key, which its place in the chain names.
    const sign = ({ keyId, ...statement }: Statement & { keyId?: string | undefined }) =>
      signReceipt(
        statement,
        keyId === receiptKey?.keyId ? receiptKey : keyId === undefined ? undefined : { keyId },
      );
    const ledger = createUserLedger({
      prefix,
      jobs,
      jobQueue,
      gates,
      leaseMs: lockMs,
      timeoutMs,
      publish: (event) => publisher.publish(event),
      sign,
    });

    const broken = Promise.withResolvers<ConfigError>();
    const agreedSettings = createAgreedSettings(connection, prefix);
    // The sandbox that stands in is this process' own, and its users end with it.
    const settings = config.damoov === 'sandbox' ? [] : await userIdSettingsOf(config, damoov, keyWork);
    const isAccepted = (instance: string) => accepted.has(gateName('instance-key', instance));
    const agreed = agreeOnUserIds(agreedSettings, settings, { isAccepted, replaces: replacesUserIdSettings });
    agreed.catch(broken.resolve);
    // Where Redis is away there is nothing to compare with, and no job to take; the signal to stop must not wait for it.
    await Promise.race([agreed, redisIsAway.promise]);

    const instances = instancesOf(damoov, config.userId.secret);
    const pipeline: Pipeline = {
      jobsQueue: config.queues.jobs,
      source: eventSource(prefix, config.queues.jobs),
      instances,
      instanceNames: new Map([...instances].map(([name, { id }]) => [id.toLowerCase(), name])),
      ports: {
        client,
        userIdMode: config.userId.mode,
        lagMs,
        now: Date.now,
        pause,
      },
      ledger,
      seal: createSeal(instances),
      retry: config.retry,
      gates,
      deletions: createDeletionGuard({ jobs, prefix, deletionsPerHour: config.deletionsPerHour }),
      witness,
      jobQueue,
      publish: (event) => publisher.publish(event),
      receiptKeyId: receiptKey?.keyId,
      proveReceipt: (statement) => void sign({ ...statement, sequence: 1, previous: GENESIS }),
      outageOf,
      onRun: (run) => tell({ is: 'run-ended', run }),
    };
    const worker = startWorker(pipeline, {
      connection,
      prefix,
      concurrency: config.concurrency,
      lockMs,
      telemetry,
      startsAfter: agreed,
      onError: (error) => {
        // While Redis is away the connection has said so once; BullMQ would say it several times a second.
        if (connection.status === 'ready') tell({ is: 'queue-faulty', error });
      },
    });
    closing.push(() => within(giveBackMs ?? GIVE_BACK_MS, ledger.close()));
    closing.push(() => worker.close(graceMs, giveBackMs));
    const compareAgain = () => agreeOnUserIds(agreedSettings, settings, { isAccepted }).catch(broken.resolve);
    compareSettings = () => void compareAgain();
    const stops = [
      regularly(() => gates.tend(), tendMs),
      // A Redis that was emptied would grant the logins of this hour once more.
      regularly(async () => void (await logins?.state()), tendMs),
      // What was lost is told again, and what was replaced on purpose ends those who have the old one.
      regularly(compareAgain, compareMs),
    ];
    closing.push(async () => stops.forEach((stop) => stop()));

    tell({
      is: 'started',
      queue: pipeline.jobsQueue,
      events: config.queues.events,
      instances: [...instances.keys()],
      url: health.url,
    });
    return { url: health.url, close, broken: broken.promise };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Loaded only where a receiver is configured: nothing of it is there to cost anything else. */
async function tracingOf(
  { tracing }: Config,
  gatherMs: number,
  tell: (happening: Happening) => void,
): Promise<Tracing | undefined> {
  if (tracing === undefined) return undefined;
  const { startTracing } = await import('../ops/tracing.ts');
  return startTracing({ ...tracing, version, gatherMs, tell });
}
