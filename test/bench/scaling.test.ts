import { describe, expect, it } from 'vitest';
import { horizonOf } from '../../bench/deletions-horizon.ts';
import { scaling } from '../../bench/scaling.ts';
import { type Limit, demandOf, limitsOf, shardsFor, touchedUsers } from '../../bench/scaling-demand.ts';
import { MEASURED, SCALES, type Scale } from '../../bench/scaling-figures.ts';
import { type ShardLoad, simulateShard } from '../../bench/shard-simulation.ts';

const LOAD: ShardLoad = {
  seconds: 60,
  jobsPerS: 500,
  redisS: { add: 50e-6, begin: 200e-6, settle: 200e-6, event: 150e-6 },
  workerS: 800e-6,
  workers: 2,
  concurrency: 200,
  damoovS: { least: 0.1, most: 0.3 },
  seed: 7,
};

/** A shard in which nothing takes time but Redis' first visit: an M/D/1 queue. */
const ONE_QUEUE: ShardLoad = {
  ...LOAD,
  seconds: 150,
  redisS: { add: 1e-3, begin: 0, settle: 0, event: 0 },
  workerS: 0,
  damoovS: { least: 0, most: 0 },
};

const SMALL: Scale = { jobsPerS: 1000, users: 1e6, deletionsPerDay: 0, deferredDays: 30, rememberS: 0 };

describe('the simulation of a shard', () => {
  it('keeps Redis and workers as busy as rate times cost', () => {
    for (const jobsPerS of [250, 500, 1000]) {
      const { redisBusy, workersBusy } = simulateShard({ ...LOAD, jobsPerS });
      expect(redisBusy / (jobsPerS * 600e-6)).toBeCloseTo(1, 1);
      expect(workersBusy / ((jobsPerS * 800e-6) / 2)).toBeCloseTo(1, 1);
    }
  });

  it('lets jobs wait as long as an M/D/1 queue does', () => {
    for (const jobsPerS of [300, 500, 700, 800]) {
      const busy = jobsPerS * 1e-3;
      const expected = (busy * 1e-3) / (2 * (1 - busy));
      const { meanAddWaitS } = simulateShard({ ...ONE_QUEUE, jobsPerS });
      expect(Math.abs(meanAddWaitS / expected - 1), `${jobsPerS} a second`).toBeLessThan(0.08);
    }
  });

  it("holds as many jobs as Little's law says", () => {
    const { meanInFlight, meanHeldS } = simulateShard(LOAD);
    expect(meanHeldS).toBeGreaterThan(0.2);
    expect(meanInFlight / (500 * meanHeldS)).toBeCloseTo(1, 1);
  });

  it('keeps the mean rate in bursts, and lets jobs wait longer', () => {
    const bursts = { factor: 4, share: 0.1, meanS: 1 };
    const [even, uneven] = [simulateShard(LOAD), simulateShard({ ...LOAD, seconds: 200, bursts })];
    expect(Math.abs(uneven.redisBusy / even.redisBusy - 1)).toBeLessThan(0.15);
    expect(uneven.waitS.p99).toBeGreaterThan(10 * even.waitS.p99);
  });

  it('never lets jobs wait for less at a higher rate, or under a lower ceiling', () => {
    const byRate = [250, 500, 1000, 1500, 2000].map(
      (jobsPerS) => simulateShard({ ...LOAD, jobsPerS }).waitS.p99,
    );
    expect(byRate).toEqual(byRate.toSorted((one, other) => one - other));
    const byCeiling = [undefined, 1000, 600, 400].map(
      (damoovPerS) => simulateShard({ ...LOAD, damoovPerS }).waitS.p99,
    );
    expect(byCeiling).toEqual(byCeiling.toSorted((one, other) => one - other));
    // A hundred too many each second, for 60 seconds: what comes last waits for 15.
    expect(byCeiling.at(-1)).toBeGreaterThan(14);
  });

  it('never has more in flight than its workers take', () => {
    const { meanInFlight } = simulateShard({ ...LOAD, concurrency: 20, seconds: 20 });
    expect(meanInFlight).toBeLessThanOrEqual(40);
    expect(meanInFlight).toBeGreaterThan(35);
  });

  it('gives the same answer for the same seed, and another one for another', () => {
    expect(simulateShard(LOAD)).toEqual(simulateShard(LOAD));
    expect(simulateShard({ ...LOAD, seed: 8 })).not.toEqual(simulateShard(LOAD));
  });
});

describe('the demand', () => {
  it("of Redis is rate times cost where nothing is deleted, and a shard's is its share", () => {
    const each = MEASURED.redisAddS + MEASURED.redisS + MEASURED.redisEventS;
    expect(demandOf(SMALL, 1).redisCores).toBeCloseTo(1000 * each, 9);
    expect(demandOf(SMALL, 4).redisCores).toBeCloseTo(250 * each, 9);
  });

  it('is met by the least number of shards, and not by one less', () => {
    const isKept = (scale: Scale, shards: number, limit?: Limit) =>
      limitsOf(demandOf(scale, shards)).every(([name, taken]) => taken <= 1 || (limit ?? name) !== name);
    for (const scale of SCALES)
      for (const limit of ['redis', 'memory', 'network', undefined] as const) {
        const shards = shardsFor(scale, limit);
        expect(isKept(scale, shards, limit)).toBe(true);
        expect(shards === 1 || !isKept(scale, shards - 1, limit)).toBe(true);
      }
  });

  it('takes more shards at each larger scale', () => {
    const shards = SCALES.map((scale) => shardsFor(scale));
    expect(shards).toEqual(shards.toSorted((one, other) => one - other));
    expect(new Set(shards).size).toBe(shards.length);
  });

  it('remembers no more users than there are, and no more than jobs have named', () => {
    expect(touchedUsers({ ...SMALL, users: 1e6 })).toBeCloseTo(1e6, 0);
    expect(touchedUsers({ ...SMALL, jobsPerS: 1, users: 1e12 }) / (30 * 86_400)).toBeCloseTo(1, 3);
  });
});

describe('the horizon of deletions', () => {
  it('holds a million a day for 30 days, and no more after that', () => {
    const days = horizonOf({ perDay: 1e6, deferredDays: 30, cancelledShare: 0 }, 90);
    expect(days[9]?.pending).toBe(10e6);
    expect(days[29]?.pending).toBe(30e6);
    expect(days[89]?.pending).toBe(30e6);
    expect(days[29]?.bytes).toBe(30e6 * MEASURED.pendingBytes);
    // Forty days of those that were sent, from the 31st on.
    expect(days[89]?.bytes).toBe(30e6 * MEASURED.pendingBytes + 40e6 * MEASURED.sentDeletionBytes);
  });

  it('loses those that are cancelled, and notes each of them for two years', () => {
    const days = horizonOf({ perDay: 1e6, deferredDays: 30, cancelledShare: 1 }, 800);
    expect(days[799]?.pending).toBeCloseTo(14.5e6, -2);
    const notes = 730e6 * MEASURED.cancelledDeletionBytes;
    expect((days[799]?.bytes ?? 0) / (14.5e6 * MEASURED.pendingBytes + notes)).toBeCloseTo(1, 3);
  });
});

it('the benchmark of scaling tells every figure, each of them a number', { timeout: 120_000 }, async () => {
  const sections = await scaling({ jobs: 200, isQuick: true, onProgress: () => undefined }, 5);
  const figures = sections.flatMap(({ figures }) => figures);
  expect(figures.filter(({ value }) => !Number.isFinite(value))).toEqual([]);
  const names = figures.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const { jobsPerS } of SCALES) expect(names).toContain(`at${jobsPerS}Shards`);
});
