/**
 * Opens the worker: the user state, the pipeline and the way it stops.
 */
import type { Telemetry } from 'bullmq';
import { GIVE_BACK_MS } from '../bullmq/stop-worker.ts';
import { startWorker } from '../bullmq/worker.ts';
import { eventSource } from '../contract/event.ts';
import type { Config } from '../config/config.ts';
import { GENESIS, type Statement, signReceipt } from '../contract/receipt.ts';
import type { Pipeline } from '../lifecycle/delivery.ts';
import { createJobCipher } from '../lifecycle/encryption.ts';
import { withTimeout } from '../ops/with-timeout.ts';
import { outageOf } from '../redis/refusal.ts';
import { createDeletionGuard } from '../store/deletions/guard.ts';
import { RedisUserState } from '../store/users/user-state.ts';
import type { Parts } from './app.ts';
import type { AppContext } from './app-context.ts';
import { instancesOf } from './user-id-settings.ts';

interface WorkerStart {
  telemetry: Telemetry | undefined;
  /** No job is taken before this resolves. */
  startsAfter: Promise<void>;
}

export function openWorker(context: AppContext, parts: Parts, { telemetry, startsAfter }: WorkerStart): void {
  const { config, timings, emit, closing } = context;
  const { graceMs, giveBackMs, lockMs } = timings;
  const { connection } = parts.redis;
  const sign = signerOf(config);
  const userState = openUserState(context, parts, sign);
  const worker = startWorker(pipelineOf(context, parts, userState, sign), {
    connection,
    prefix: config.queues.prefix,
    concurrency: config.concurrency,
    lockMs,
    telemetry,
    startsAfter,
    onError: (error) => {
      // While Redis is away the connection has reported it once; BullMQ would report it several times a second.
      if (connection.status === 'ready') emit({ is: 'queue-faulty', error });
    },
  });
  closing.push(() => withTimeout(giveBackMs ?? GIVE_BACK_MS, userState.close()));
  closing.push(() => worker.close(graceMs, giveBackMs));
}

/** Another worker may have settled the deletion with another key; its place in the chain names the key. */
function signerOf({ receiptKey }: Config) {
  return ({ keyId, ...statement }: Statement & { keyId?: string | undefined }) =>
    signReceipt(
      statement,
      keyId === receiptKey?.keyId ? receiptKey : keyId === undefined ? undefined : { keyId },
    );
}

type Sign = ReturnType<typeof signerOf>;

function openUserState({ config, timings, timeoutMs }: AppContext, { queues, circuits }: Parts, sign: Sign) {
  const { jobs, jobQueue, publisher } = queues;
  return new RedisUserState({
    prefix: config.queues.prefix,
    jobs,
    jobQueue,
    circuits: circuits.circuits,
    leaseMs: timings.lockMs,
    timeoutMs,
    publish: (event) => publisher.publish(event),
    sign,
  });
}

function pipelineOf(
  { config, timings, emit }: AppContext,
  { damoov, fleet, queues, circuits }: Parts,
  userState: Pipeline['userState'],
  sign: Sign,
): Pipeline {
  const { prefix, jobs: jobsQueue } = config.queues;
  const { jobs, jobQueue, publisher } = queues;
  const instances = instancesOf(damoov, config.userId.secret);
  return {
    jobsQueue,
    source: eventSource(prefix, jobsQueue),
    instances,
    instanceNames: new Map([...instances].map(([name, { id }]) => [id.toLowerCase(), name])),
    ports: {
      client: fleet.client,
      userIdMode: config.userId.mode,
      lagMs: timings.lagMs,
      now: Date.now,
      pause: timings.pause,
    },
    userState,
    cipher: createJobCipher(instances),
    retry: config.retry,
    circuits: circuits.circuits,
    deletions: createDeletionGuard({ jobs, prefix, deletionsPerHour: config.deletionsPerHour }),
    failureDetector: circuits.failureDetector,
    jobQueue,
    publish: (event) => publisher.publish(event),
    receiptKeyId: config.receiptKey?.keyId,
    proveReceipt: (statement) => void sign({ ...statement, sequence: 1, previous: GENESIS }),
    outageOf,
    onRun: (run) => emit({ is: 'run-ended', run }),
  };
}
