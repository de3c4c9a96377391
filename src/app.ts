/**
 * Builds the service from its configuration and wires its parts: the one place that knows them all.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Queue } from 'bullmq';
import type { Config, DamoovAccess } from './config.ts';
import { signReceipt } from './contract/receipt.ts';
import { createPublisher } from './events/publisher.ts';
import { openFleetClient } from './fleet-client.ts';
import { fingerprintsOf } from './gate-fingerprints.ts';
import { openDashboard } from './open-dashboard.ts';
import type { Instance } from './operations/context.ts';
import { gatesAreOpen, redisAnswers, requestsLeave } from './ops/checks.ts';
import { startHealthServer } from './ops/health.ts';
import { createFaultLog } from './ops/fault-log.ts';
import { type Log, createGateLog, createRunLog, describeError } from './ops/log.ts';
import { createMetrics } from './ops/metrics.ts';
import { connectRedis, isRefusal } from './redis/connection.ts';
import { type ProbeIntervals, createGates } from './redis/gates/gates.ts';
import { createLastMoment } from './redis/deletions/last-moment.ts';
import { regularly } from './redis/regularly.ts';
import { createChainReader } from './redis/ledger/receipt-chain.ts';
import { createSweep } from './redis/ledger/sweep.ts';
import { createUserLedger } from './redis/ledger/user-ledger.ts';
import { standIn } from './stand-in.ts';
import type { Pipeline } from './worker/delivery.ts';
import { Witness } from './worker/witness.ts';
import { createSeal } from './worker/seal.ts';
import { startWorker } from './worker/worker.ts';

export interface App {
  /** Where `/livez`, `/readyz`, `/metrics` and, where it is configured, `/dashboard` are answered. */
  readonly url: string;
  /** Stops taking jobs, finishes or gives back those in flight, and lets go of everything. Always resolves. */
  close(): Promise<void>;
}

/** What nobody needs to configure, but a test wants shorter; all in milliseconds. */
export interface Timings {
  /** How long jobs in flight may take once the service is told to stop: below the 30 s that container platforms give. */
  graceMs: number;
  /** How long a job stays with a worker that gives no sign of life. */
  lockMs: number;
  /** When a credential that was refused, and Damoov after an outage, are tried again. */
  probes: { credential: ProbeIntervals; outage: ProbeIntervals };
  /** How often each worker looks after jobs that wait for that. */
  tendMs: number;
  /** How often each worker looks whether a deletion or a job of an unknown name has left something to clear away. */
  sweepMs: number;
  /** The clock of log-ins and probes, in epoch milliseconds. */
  now: () => number;
}

const PROBES = {
  credential: { firstMs: 5000, lastMs: 15 * 60_000 },
  // A probe costs nothing but a request, while a log-in is rationed.
  outage: { firstMs: 2000, lastMs: 30_000 },
};

/** A worker that dies at it leaves the sweep to the next for that long; a page of it takes far less. */
const SWEEP_LEASE_MS = 60_000;

/** Starts the service: what is not configured is embedded. */
export async function startApp(config: Config, log: Log, timings: Partial<Timings> = {}): Promise<App> {
  const {
    graceMs = 25_000,
    lockMs = Math.max(30_000, 4 * config.timeoutMs),
    probes = PROBES,
    tendMs = 1000,
    sweepMs = 5 * 60_000,
    now,
  } = timings;
  // Nothing is sent that might outlive its job's lock, so a deadline near the lock would let nothing be sent.
  const timeoutMs = Math.min(config.timeoutMs, lockMs / 2);
  const closing: (() => Promise<unknown>)[] = [];
  const close = async (): Promise<void> => {
    for (const step of closing.toReversed()) {
      await step().catch((error: Error) => log.warn(describeError(error), 'a part did not stop cleanly'));
    }
  };
  try {
    const { target, damoov } = await standIn(config, log, closing);

    let isClosing = false;
    const connection = connectRedis(target, (state, reason) => {
      if (state === 'ready') log.info('connected to Redis');
      else if (isRefusal(reason))
        log.error({ reason }, 'Redis refuses the user or password: the worker waits');
      else if (!isClosing) log.error({ reason }, 'Redis is away: the worker waits for it');
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
      onLowered: (state) => log.warn(state, 'Damoov answers 429: the fleet sends more slowly'),
    });
    closing.push(() => client.close());

    const publisher = createPublisher(connection, prefix, config.queues.events);
    const jobs = new Queue(config.queues.jobs, { connection, prefix });
    jobs.on('error', () => {});
    closing.push(async () => {
      if (connection.status === 'ready') await Promise.all([publisher.close(), jobs.close()]);
    });
    const fingerprints = fingerprintsOf(damoov, fingerprint);
    const gates = createGates({
      prefix,
      jobs,
      lockMs,
      fingerprints,
      probes,
      now,
      onChange: createGateLog(log, damoov.admin !== undefined),
    });
    const witness = new Witness({ retry: config.retry, onPassed: (gate) => gates.passed(gate) });
    const gateNames = [...fingerprints.keys()];
    // Before any job is taken: where the port cannot be had, nothing has been sent yet.
    const shared = {
      logins: logins && (() => logins.state()),
      rate: () => traffic.state(),
    };
    const health = await startHealthServer(config.http, {
      checks: {
        redis: redisAnswers(connection, jobs.toKey('meta')),
        requests: requestsLeave(shared.rate),
        answers: async () =>
          witness.isCutOff ? { ok: false, reason: 'this worker gets no answer from Damoov' } : { ok: true },
        ...gatesAreOpen(gateNames, gates.stateOf),
      },
      metrics: createMetrics({ ...shared, gates: () => Promise.all(gateNames.map(gates.stateOf)) }),
      dashboard: await openDashboard(config, {
        ...shared,
        log,
        connection,
        jobs,
        gateNames,
        gateOf: gates.stateOf,
      }),
      onError: (error) => log.error(describeError(error), 'a request to this worker found no answer'),
    });
    closing.push(() => health.close());

    const ledger = createUserLedger({
      prefix,
      jobs,
      gates,
      lockMs,
      prepareEvent: (event) => publisher.prepare(event),
    });

    const instances = instancesOf(damoov, config.userId.secret);
    const pipeline: Pipeline = {
      jobsQueue: config.queues.jobs,
      instances,
      ports: {
        client,
        userIdMode: config.userId.mode,
        now: Date.now,
        pause: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => {}),
      },
      ledger,
      seal: createSeal(instances),
      retry: config.retry,
      gates,
      deletions: createLastMoment({ jobs, prefix, deletionsPerHour: config.deletionsPerHour }),
      witness,
      receipts: {
        headOf: createChainReader(prefix, jobs),
        sign: (statement) => signReceipt(statement, config.receiptKey),
      },
      onRun: createRunLog(log),
    };
    const tellFault = createFaultLog<ReturnType<typeof describeError>>((fault, leftOut) =>
      log.error({ ...fault, ...(leftOut > 0 && { leftOut }) }, 'the queue reports a fault'),
    );
    const worker = startWorker(pipeline, {
      connection,
      prefix,
      concurrency: config.concurrency,
      lockMs,
      timeoutMs,
      onCompleted: (jobIds) => ledger.forgetSettled(jobIds),
      onError: (error) => {
        // While Redis is away the connection has said so once; BullMQ would say it several times a second.
        if (connection.status === 'ready') tellFault(describeError(error));
      },
    });
    closing.push(() => worker.close(graceMs));
    const sweep = createSweep({ prefix, jobs, connection, instances, leaseMs: SWEEP_LEASE_MS });
    const stops = [regularly(() => gates.tend(), tendMs), regularly(sweep, sweepMs)];
    closing.push(async () => stops.forEach((stop) => stop()));

    log.info(
      {
        queue: pipeline.jobsQueue,
        events: config.queues.events,
        instances: [...instances.keys()],
        url: health.url,
      },
      'worker started',
    );
    return { url: health.url, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function instancesOf({ instances }: DamoovAccess, secret: string | undefined): ReadonlyMap<string, Instance> {
  return new Map(
    Object.entries(instances).map(
      ([name, { id, key, userIdSecret }]) =>
        [name, { id, key, secret: userIdSecret ?? secret ?? key }] as const,
    ),
  );
}
