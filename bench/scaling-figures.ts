/**
 * What scaling is computed from: figures that were measured, each with where it stands, and assumptions that nobody has measured.
 * Computes nothing.
 */

/** Two shared cores, Node 24, Redis 7.0.15; CPU times there vary by a third from run to run. */
export const MEASURED = {
  /** CPU in seconds, the whole pipeline, Damoov answers at once: between what docs/performance.md and docs/capacity.md tell. */
  workerS: 867e-6,
  redisS: 463e-6,
  /** docs/performance.md: CPU of Redis, an add. */
  redisAddS: 49.7e-6,
  /** docs/performance.md: CPU of Redis for a bare worker's job, which is what a subscriber is. 122 and 173 with `UserEvents`, once each. */
  redisEventS: 156e-6,
  /** docs/capacity.md: a deletion. */
  workerDeletionS: 2030e-6,
  redisDeletionS: 933e-6,
  /** docs/capacity.md and docs/deletions.md: bytes in Redis, all keys included. */
  userBytes: 733,
  pendingBytes: 393,
  waitingJobBytes: 720,
  waitingEventBytes: 1147,
  completedBytes: 1352,
  completedJobs: 10_000,
  sentDeletionBytes: 130,
  cancelledDeletionBytes: 130,
  /** docs/library.md: `rememberMs` of a subscriber. */
  seenEventBytes: 150,
  /** docs/scaling.md: INFO stats over 5,000 sign-ups, three rounds, two with `UserEvents`. Bytes to Redis and from it. */
  redisIn: { add: 584, job: 3332, event: 1022 },
  redisOut: { add: 11, job: 614, event: 728 },
  /** The same, by what the append-only file grew. */
  appended: { add: 750, job: 3822, event: 1459 },
  /** The same, by what the worker read and wrote less what Redis counted: HTTP without TLS, and the log's line. */
  damoovOut: 732,
  damoovIn: 310,
  /** docs/performance.md: a worker with 500 in flight, at its peak. */
  workerBytes: 225e6,
} as const;

/** As the product is set. */
export const SET = {
  recordDays: 30,
  sentDeletionDays: 40,
  cancelledDeletionDays: 730,
  requestsOfDeletion: 3,
} as const;

/** Nobody has measured these: another system has others. */
export const ASSUMED = {
  /** Of a Redis core at mean load, so that a burst of twice the mean just fits; of a worker's core. */
  redisShare: 0.5,
  workerShare: 0.6,
  /** Of data in one Redis: as much again for the fork that rewrites the file. */
  shardBytes: 16e9,
  /** Half of a gigabit, one way. */
  shardBitsPerS: 500e6,
  damoovS: { least: 0.1, most: 0.3 },
  workerConcurrency: 200,
  leastWorkers: 2,
  subscribers: 1,
  /** A tenth of the time jobs come twice as fast as on average, for five seconds. */
  bursts: { factor: 2, share: 0.1, meanS: 5 },
  /** How long Damoov, or a subscriber, may be away: everything is kept meanwhile. */
  outageS: 3600,
  cancelledShare: 0.05,
} as const;

const DAY_S = 86_400;

export interface Scale {
  readonly jobsPerS: number;
  readonly users: number;
  readonly deletionsPerDay: number;
  /** From the request of a deletion to when it is due. */
  readonly deferredDays: number;
  /** How long subscribers remember an event (`rememberMs`). */
  readonly rememberS: number;
}

export const SCALES: readonly Scale[] = [1000, 10_000, 100_000].map((jobsPerS) => ({
  jobsPerS,
  users: 100e6,
  deletionsPerDay: 1e6,
  deferredDays: 30,
  rememberS: 24 * 3600,
}));

export function perSecond(perDay: number): number {
  return perDay / DAY_S;
}

export function secondsOf(days: number): number {
  return days * DAY_S;
}
