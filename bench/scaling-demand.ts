/**
 * What so many jobs a second ask of Redis, workers, memory and network, by arithmetic alone, and how many shards that takes.
 * Knows no queueing: what waits, and for how long, is simulated elsewhere.
 */
import { horizonOf } from './deletions-horizon.ts';
import { ASSUMED, MEASURED, SET, type Scale, perSecond, secondsOf } from './scaling-figures.ts';

export interface Demand {
  readonly shards: number;
  readonly workersPerShard: number;
  /** Cores' worth of time, of one shard's Redis and workers. */
  readonly redisCores: number;
  readonly workerCores: number;
  /** Data in all shards together. */
  readonly bytes: Memory;
  /** Of one shard, the larger of both ways. */
  readonly shardBitsPerS: number;
  /** Of one shard. */
  readonly appendedPerS: number;
  readonly requestsPerS: number;
  readonly damoovBitsPerS: number;
}

export type Memory = Readonly<
  Record<'users' | 'deletions' | 'seenEvents' | 'completed' | 'outageJobs' | 'outageEvents', number>
>;

/** How much of what a shard may take is taken: above 1, it takes more shards. */
export type Limit = 'redis' | 'memory' | 'network';

export function demandOf(scale: Scale, shards: number): Demand {
  const deletionsPerS = perSecond(scale.deletionsPerDay);
  const others = (scale.jobsPerS - deletionsPerS) / shards;
  const deletions = deletionsPerS / shards;
  const jobs = scale.jobsPerS / shards;
  const workerCores = others * MEASURED.workerS + deletions * MEASURED.workerDeletionS;
  const meanS = (ASSUMED.damoovS.least + ASSUMED.damoovS.most) / 2;
  const inFlight = jobs * ASSUMED.bursts.factor * meanS;
  const workersPerShard = Math.max(
    ASSUMED.leastWorkers,
    Math.ceil(workerCores / ASSUMED.workerShare),
    Math.ceil(inFlight / ASSUMED.workerConcurrency),
  );
  const byJob =
    MEASURED.redisAddS + ASSUMED.subscribers * MEASURED.redisEventS + (others / jobs) * MEASURED.redisS;
  const bytesEach = (bytes: { add: number; job: number; event: number }) =>
    bytes.add + bytes.job + ASSUMED.subscribers * bytes.event;
  const requestsPerS = scale.jobsPerS + deletionsPerS * (SET.requestsOfDeletion - 1);
  return {
    shards,
    workersPerShard,
    redisCores: jobs * byJob + deletions * MEASURED.redisDeletionS,
    workerCores,
    bytes: memoryOf(scale, shards),
    shardBitsPerS: 8 * Math.max(jobs * bytesEach(MEASURED.redisIn), jobs * bytesEach(MEASURED.redisOut)),
    appendedPerS: jobs * bytesEach(MEASURED.appended),
    requestsPerS,
    damoovBitsPerS: 8 * requestsPerS * Math.max(MEASURED.damoovOut, MEASURED.damoovIn),
  };
}

/** Each limit by how far one shard of so many is from it, the nearest first. */
export function limitsOf(demand: Demand): [Limit, number][] {
  const limits: [Limit, number][] = [
    ['redis', demand.redisCores / ASSUMED.redisShare],
    ['memory', totalOf(demand.bytes) / demand.shards / ASSUMED.shardBytes],
    ['network', demand.shardBitsPerS / ASSUMED.shardBitsPerS],
  ];
  return limits.toSorted(([, one], [, other]) => other - one);
}

/** The least number of shards that keeps a limit, or all of them. */
export function shardsFor(scale: Scale, limit?: Limit): number {
  for (let shards = 1; ; shards++) {
    const isKept = ([name, taken]: [Limit, number]) => taken <= 1 || (limit !== undefined && limit !== name);
    if (limitsOf(demandOf(scale, shards)).every(isKept)) return shards;
  }
}

export function totalOf(memory: Memory): number {
  return Object.values(memory).reduce((sum, bytes) => sum + bytes, 0);
}

/** Users whom a job has named within the days for which a record is kept, where all are as likely to be named. */
export function touchedUsers({ users, jobsPerS }: Scale): number {
  return users * (1 - Math.exp((-jobsPerS * secondsOf(SET.recordDays)) / users));
}

function memoryOf(scale: Scale, shards: number): Memory {
  const { jobsPerS } = scale;
  const events = jobsPerS * ASSUMED.subscribers;
  return {
    users: touchedUsers(scale) * MEASURED.userBytes,
    deletions: steady(scale).bytes,
    seenEvents: events * scale.rememberS * MEASURED.seenEventBytes,
    completed: shards * MEASURED.completedJobs * MEASURED.completedBytes,
    outageJobs: jobsPerS * ASSUMED.outageS * MEASURED.waitingJobBytes,
    outageEvents: events * ASSUMED.outageS * MEASURED.waitingEventBytes,
  };
}

/** Once as much goes as comes. */
function steady({ deletionsPerDay, deferredDays }: Scale) {
  const days = deferredDays + SET.cancelledDeletionDays;
  const last = horizonOf({ perDay: deletionsPerDay, deferredDays }, days).at(-1);
  if (last === undefined) throw new Error('a horizon has a last day');
  return last;
}
