/**
 * The scales beyond one machine: what each asks, which limit comes first, how many shards and workers it takes, and how long jobs
 * would wait. Computed and simulated from figures measured elsewhere; measures nothing itself.
 */
import { horizonOf } from './deletions-horizon.ts';
import type { Figure, Section } from './figures.ts';
import type { PartOptions } from './part.ts';
import { type Demand, type Limit, demandOf, limitsOf, shardsFor, totalOf } from './scaling-demand.ts';
import { ASSUMED, MEASURED, SCALES, type Scale } from './scaling-figures.ts';
import { type Simulated, simulateShard } from './shard-simulation.ts';

/** Long enough for a dozen bursts, by the clock of the simulation. */
const SECONDS = 600;
const QUICK_SECONDS = 120;
const SEED = 1;
/** What is sent beyond Damoov's mean rate catches up with a burst. */
const CEILING = 1.25;
const SHARD_RATES = [250, 500, 750, 1000, 1250, 1500];
const HORIZON_DAYS = [10, 30, 70, 760];

const NAMED: Record<Limit, string> = { redis: "Redis' core", memory: 'memory', network: 'network' };

/** @param seconds of each load, by the clock of the simulation. */
export async function scaling(
  { isQuick, onProgress }: PartOptions,
  seconds = isQuick ? QUICK_SECONDS : SECONDS,
): Promise<Section[]> {
  onProgress(`simulating ${seconds} s of each load`);
  return [oneShard(seconds), deletions(), ...SCALES.map((scale) => sectionOf(scale, seconds))];
}

/** One shard alone, of which all others are copies; no deletions in it. */
function oneShard(seconds: number): Section {
  const figures = SHARD_RATES.flatMap((jobsPerS): Figure[] => {
    const demand = demandOf({ jobsPerS, users: 1e6, deletionsPerDay: 0, deferredDays: 30, rememberS: 0 }, 1);
    const steady = simulated(demand, jobsPerS, seconds, { isSteady: true });
    const inBursts = simulated(demand, jobsPerS, seconds);
    const at = `at ${jobsPerS.toLocaleString('en')} a second`;
    const name = `shard${jobsPerS}`;
    return [
      { name: `${name}Redis`, what: `${at}: Redis`, value: steady.redisBusy, unit: 'cores' },
      waiting(`${name}Steady`, `${at}: p99 of the wait, evenly`, steady),
      waiting(`${name}Bursts`, `${at}: p99 of the wait, in bursts`, inBursts),
    ];
  });
  return { title: `One shard, ${ASSUMED.subscribers} subscriber (simulated)`, figures };
}

/** A million a day, each due after thirty days. */
function deletions(): Section {
  const stream = { perDay: 1e6, deferredDays: 30 };
  const horizon = horizonOf(stream, Math.max(...HORIZON_DAYS));
  const figures = HORIZON_DAYS.flatMap((day): Figure[] => {
    const { pending, bytes } = horizon[day - 1] ?? { pending: Number.NaN, bytes: Number.NaN };
    return [
      { name: `pendingOnDay${day}`, what: `pending, day ${day}`, value: pending / 1e6, unit: 'million' },
      gigabytes(
        `deletionBytesOnDay${day}`,
        `with what is kept of those sent and cancelled, day ${day}`,
        bytes,
      ),
    ];
  });
  return { title: 'A million deletions a day, due after 30 days (computed)', figures };
}

function sectionOf(scale: Scale, seconds: number): Section {
  const alone = demandOf(scale, 1);
  const demand = demandOf(scale, shardsFor(scale));
  const name = `at${scale.jobsPerS}`;
  const jobsPerS = scale.jobsPerS / demand.shards;
  const workers = demand.shards * demand.workersPerShard;
  const bytes = totalOf(demand.bytes);
  const of = (key: string, what: string, value: number, unit: Figure['unit']): Figure => ({
    name: `${name}${key}`,
    what,
    value,
    unit,
  });
  const megabits = (key: string, what: string, bits: number) => of(key, what, bits / 1e6, 'Mbit/s');
  const free = simulated(demand, jobsPerS, seconds);
  const ceiled = simulated(demand, jobsPerS, seconds, { ceiling: CEILING });
  return {
    title: `${scale.jobsPerS.toLocaleString('en')} jobs a second, 100 million users, a million deletions a day`,
    figures: [
      of('Requests', 'Damoov must take', demand.requestsPerS, '/s'),
      ...limitsOf(alone).map(([limit, taken]) =>
        of(`One.${limit}`, `one shard: ${NAMED[limit]}, to what a shard may take`, taken, 'x'),
      ),
      ...(['redis', 'memory', 'network'] as const).map((limit) =>
        of(`For.${limit}`, `shards for ${NAMED[limit]}`, shardsFor(scale, limit), 'shards'),
      ),
      of(
        'For.memoryOfAnHour',
        'shards for memory, events remembered for an hour',
        shardsFor({ ...scale, rememberS: 3600 }, 'memory'),
        'shards',
      ),
      of('Shards', 'shards', demand.shards, 'shards'),
      of('Workers', 'workers', workers, 'workers'),
      of('RedisBusy', 'Redis, a shard', demand.redisCores, 'cores'),
      of('RedisCores', 'Redis, all shards: time', demand.redisCores * demand.shards, 'cores'),
      of('WorkerCores', 'workers, all: time', demand.workerCores * demand.shards, 'cores'),
      ...Object.entries(demand.bytes).map(([kind, bytes]) =>
        gigabytes(`${name}Bytes.${kind}`, KINDS[kind] ?? kind, bytes),
      ),
      gigabytes(`${name}Bytes`, 'data in Redis', bytes),
      gigabytes(`${name}RedisMemory`, 'memory of Redis servers, without replicas', 2 * bytes),
      gigabytes(`${name}WorkerMemory`, 'memory of workers', workers * MEASURED.workerBytes),
      megabits('ShardNetwork', 'network of a shard, the busier way', demand.shardBitsPerS),
      megabits('Network', 'network of all shards, the busier way', demand.shardBitsPerS * demand.shards),
      megabits('DamoovNetwork', 'network to Damoov, without TLS', demand.damoovBitsPerS),
      of('Appended', 'append-only file, a shard, a second', demand.appendedPerS / 1e6, 'MB'),
      waiting(`${name}Free`, 'p99 of the wait, in bursts, Damoov limits nothing', free),
      waiting(`${name}Ceiled`, `p99 of the wait, in bursts, Damoov takes ${CEILING} times the mean`, ceiled),
    ],
  };
}

const KINDS: Record<string, string> = {
  users: 'users of the last 30 days',
  deletions: 'deletions: pending, sent, cancelled',
  seenEvents: 'events that subscribers have dealt with, for a day',
  completed: 'jobs that are done',
  outageJobs: 'room for jobs, an hour without Damoov',
  outageEvents: 'room for events, an hour without the subscriber',
};

function simulated(
  demand: Demand,
  jobsPerS: number,
  seconds: number,
  { isSteady = false, ceiling }: { isSteady?: boolean; ceiling?: number } = {},
): Simulated {
  const half = MEASURED.redisS / 2;
  const requests = demand.requestsPerS / demand.shards;
  return simulateShard({
    seconds,
    jobsPerS,
    bursts: isSteady ? undefined : ASSUMED.bursts,
    redisS: {
      add: MEASURED.redisAddS,
      begin: half,
      settle: half,
      event: ASSUMED.subscribers * MEASURED.redisEventS,
    },
    workerS: MEASURED.workerS,
    workers: demand.workersPerShard,
    concurrency: ASSUMED.workerConcurrency,
    damoovS: ASSUMED.damoovS,
    damoovPerS: ceiling === undefined ? undefined : ceiling * requests,
    seed: SEED,
  });
}

function gigabytes(name: string, what: string, bytes: number): Figure {
  return { name, what, value: bytes / 1e9, unit: 'GB' };
}

function waiting(name: string, what: string, { waitS }: Simulated): Figure {
  return { name: `${name}P99`, what, value: waitS.p99 * 1000, unit: 'ms' };
}
