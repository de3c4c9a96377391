/**
 * What keeps a job from ending, for somebody who has waited for it in vain. Reads only.
 */
import type { Queue } from 'bullmq';
import { dueMsOf } from '../../bullmq/delayed-count.ts';
import { hasReader } from '../../bullmq/queue-reader.ts';
import { type StoredJob, readJob } from '../../bullmq/read-job.ts';
import type { Config } from '../../config/config.ts';
import { durationText, instantText, spanInWords } from '../../contract/duration.ts';
import { referenceOfText } from '../../contract/job.ts';
import { fingerprintsOf } from '../../app/circuit-fingerprints.ts';
import { instancesOf } from '../../app/user-id-settings.ts';
import type { RedisConnection } from '../../redis/connection.ts';
import { BRAKE } from '../../store/circuits/deletion-limit.ts';
import { type GateState, createGateReader, gateKeysOf } from '../../store/circuits/circuit-state.ts';
import { isBlocked } from '../../store/users/is-blocked.ts';
import { createFleetRate } from '../../store/rate/fleet-rate.ts';
import { deriveAdminKey } from '../../store/session/admin-key.ts';
import type { GateName } from '../../lifecycle/ports/circuits.ts';
import { counted } from '../failed/report.ts';

/** A sentence or more; empty where nothing is seen that holds it. */
export async function whatHolds(
  jobId: string,
  jobs: Queue,
  connection: RedisConnection,
  config: Config,
): Promise<string> {
  const job = await readJob(jobs, jobId);
  const [gate, isPaused, isServed, state, rate] = await Promise.all([
    gateHolding(jobId, job, jobs, connection, config),
    jobs.isPaused(),
    hasReader(jobs),
    jobs.getJobState(jobId),
    createFleetRate({ connection, prefix: config.queues.prefix, maxRps: config.maxRps }).look(),
  ]);
  const reasons = [
    ...(gate === undefined ? [] : [gateText(gate)]),
    ...(isPaused ? [`the queue ${jobs.name} is paused`] : []),
    ...(isServed === false ? [`no worker takes jobs from ${jobs.name}`] : []),
    ...(rate.pausedForMs > 0
      ? [`Damoov answers 429: nothing is sent for ${spanInWords(rate.pausedForMs)}`]
      : []),
    ...(gate === undefined ? await placeText(jobId, job, state, jobs, connection, config) : []),
    ...(rate.ratePerS === undefined ? [] : [`the fleet sends ${rate.ratePerS.toFixed(1)} requests a second`]),
  ];
  return reasons.join('; ');
}

/** What waits before a gate is the same whatever the credential; why the gate is shut is known of those of this configuration. */
async function gateHolding(
  jobId: string,
  job: StoredJob | undefined,
  jobs: Queue,
  connection: RedisConnection,
  config: Config,
): Promise<GateState | undefined> {
  const { instance = 'default' } = referenceOfText(job?.data ?? '{}');
  const names: GateName[] = ['damoov', 'admin', 'brake', `instance-key:${instance}`];
  const { heldKeyOf } = gateKeysOf(config.queues.prefix, new Map());
  const scores = await Promise.all(names.map((name) => connection.zscore(heldKeyOf(name), jobId)));
  const holding = names.find((_, index) => scores[index] !== null);
  if (holding === undefined) return undefined;
  const keys = gateKeysOf(config.queues.prefix, await fingerprintsIn(config));
  return createGateReader(jobs, keys)(holding);
}

async function fingerprintsIn({ damoov }: Config): Promise<ReadonlyMap<GateName, string>> {
  // A sandbox that stands in is the worker's own.
  if (damoov === 'sandbox') return new Map([BRAKE]);
  const { admin, baseUrl } = damoov;
  return fingerprintsOf(damoov, admin && (await deriveAdminKey({ ...admin, baseUrl })).fingerprint);
}

function gateText({ gate, shutSince, reason = '', probeAt = 0 }: GateState): string {
  if (gate === 'brake') {
    return 'the deletion limit (brake) holds it: `deletions release` or `deletions refuse` decides';
  }
  if (shutSince === undefined)
    return `it waited before the circuit breaker (gate) ${gate}, and is about to go on`;
  const now = Date.now();
  const next = probeAt > now ? `tried again in ${spanInWords(probeAt - now)}` : 'about to be tried again';
  return `the circuit breaker (gate) ${gate} holds it, for ${durationText(now - shutSince)}: ${reason}; ${next}`;
}

async function placeText(
  jobId: string,
  job: StoredJob | undefined,
  state: string,
  jobs: Queue,
  connection: RedisConnection,
  config: Config,
): Promise<string[]> {
  switch (state) {
    case 'active':
      return ['a worker is carrying it out'];
    case 'waiting':
    case 'prioritized': {
      const waiting = await jobs.getJobCountByTypes('waiting', 'prioritized');
      return waiting > 1 ? [`it is one of ${counted(waiting, 'job')} in line`] : ['it is next in line'];
    }
    case 'delayed': {
      if (await isBlockedBy(jobId, job, connection, config))
        return ['another job of this user is being carried out first'];
      const dueAt = job === undefined ? undefined : instantText(dueMsOf(job));
      return [`it is tried again at ${dueAt ?? 'a time beyond the calendar'}`];
    }
    default:
      return [];
  }
}

/** Where a sandbox stands in, its users are the worker's own, and so are their names. */
async function isBlockedBy(
  id: string,
  job: StoredJob | undefined,
  connection: RedisConnection,
  { damoov, userId, queues }: Config,
): Promise<boolean> {
  if (job === undefined || damoov === 'sandbox') return false;
  const { instance: name = 'default', ...address } = referenceOfText(job.data);
  const instance = instancesOf(damoov, userId.secret).get(name);
  if (instance === undefined) return false;
  return isBlocked(connection, queues.prefix, { id, timestamp: job.timestamp, instance, address });
}
