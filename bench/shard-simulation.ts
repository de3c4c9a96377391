/**
 * Simulates one shard, event by event and by its own clock: jobs come in bursts, wait for Redis' one core, for a place in
 * flight, for a worker's core, for the rate and the answer of Damoov. Seeded: the same load gives the same answer.
 */
import { percentile } from './figures.ts';

export interface ShardLoad {
  /** How long jobs arrive, by the clock of the simulation. */
  readonly seconds: number;
  readonly jobsPerS: number;
  readonly bursts?: { readonly factor: number; readonly share: number; readonly meanS: number } | undefined;
  /** Redis' time for each of a job's visits. */
  readonly redisS: {
    readonly add: number;
    readonly begin: number;
    readonly settle: number;
    readonly event: number;
  };
  /** A worker's time for a job, one half before Damoov is asked. */
  readonly workerS: number;
  readonly workers: number;
  readonly concurrency: number;
  readonly damoovS: { readonly least: number; readonly most: number };
  /** The ceiling of requests a second. */
  readonly damoovPerS?: number | undefined;
  readonly seed: number;
}

export interface Simulated {
  /** Shares of the time. */
  readonly redisBusy: number;
  readonly workersBusy: number;
  readonly meanInFlight: number;
  /** From being taken to being settled. */
  readonly meanHeldS: number;
  /** For Redis to add the job. */
  readonly meanAddWaitS: number;
  /** All that a job waits for until it is settled, its own work and Damoov's time taken out. */
  readonly waitS: { readonly median: number; readonly p99: number };
}

interface Job {
  readonly at: number;
  addWaitS: number;
  takenAt: number;
  damoovS: number;
}

/** The first jobs find everything idle. */
const WARM_UP_SHARE = 0.1;

export function simulateShard(load: ShardLoad): Simulated {
  const random = randomOf(load.seed);
  const redis = stationOf(1);
  const cores = stationOf(load.workers);
  const rate = stationOf(1);
  const slotS = load.damoovPerS === undefined ? 0 : 1 / load.damoovPerS;
  const places = load.workers * load.concurrency;
  const line: Job[] = [];
  const ended: { waitS: number; heldS: number; addWaitS: number }[] = [];
  let inFlight = 0;
  let nextInLine = 0;
  let now = 0;
  const agenda = agendaOf();
  const after = (doneAt: number, step: () => void) => agenda.add(doneAt, step);
  const arrivals = arrivalsOf(load, random);
  const { redisS, workerS, damoovS } = load;
  const ownS = redisS.add + redisS.begin + redisS.settle + workerS + slotS;

  const arrive = () => {
    const job: Job = { at: now, addWaitS: 0, takenAt: 0, damoovS: 0 };
    const doneAt = redis.take(now, redisS.add);
    job.addWaitS = doneAt - redisS.add - now;
    after(doneAt, () => {
      line.push(job);
      fill();
    });
    comeNext();
  };
  const comeNext = () => {
    const at = arrivals();
    if (at < load.seconds) after(at, arrive);
  };
  const fill = () => {
    const job = line[nextInLine];
    if (job === undefined || inFlight >= places) return;
    nextInLine += 1;
    begin(job);
  };
  const begin = (job: Job) => {
    inFlight += 1;
    job.takenAt = now;
    after(redis.take(now, redisS.begin), () =>
      after(cores.take(now, workerS / 2), () =>
        after(rate.take(now, slotS), () => {
          job.damoovS = damoovS.least + random() * (damoovS.most - damoovS.least);
          after(now + job.damoovS, () =>
            after(cores.take(now, workerS / 2), () =>
              after(redis.take(now, redisS.settle), () => settle(job)),
            ),
          );
        }),
      ),
    );
  };
  const settle = (job: Job) => {
    inFlight -= 1;
    redis.take(now, redisS.event);
    ended.push({
      waitS: now - job.at - ownS - job.damoovS,
      heldS: now - job.takenAt,
      addWaitS: job.addWaitS,
    });
    fill();
  };

  comeNext();
  for (let next = agenda.take(); next !== undefined; next = agenda.take()) {
    now = next.at;
    next.step();
  }
  const told = ended.slice(Math.floor(WARM_UP_SHARE * ended.length));
  const mean = (of: (end: (typeof ended)[number]) => number) =>
    told.reduce((sum, end) => sum + of(end), 0) / told.length;
  const waits = told.map(({ waitS }) => waitS);
  return {
    redisBusy: redis.busyS() / now,
    workersBusy: cores.busyS() / now / load.workers,
    meanInFlight: ended.reduce((sum, { heldS }) => sum + heldS, 0) / now,
    meanHeldS: mean(({ heldS }) => heldS),
    meanAddWaitS: mean(({ addWaitS }) => addWaitS),
    waitS: { median: percentile(waits, 0.5), p99: percentile(waits, 0.99) },
  };
}

/** Servers with one line before them, first come, first served; asked in the order of time. */
function stationOf(servers: number) {
  const freeAt = Array.from({ length: servers }, () => 0);
  let busyS = 0;
  return {
    /** Answers when it is done. */
    take(now: number, serviceS: number): number {
      const first = freeAt.indexOf(Math.min(...freeAt));
      const doneAt = Math.max(now, freeAt[first] ?? now) + serviceS;
      freeAt[first] = doneAt;
      busyS += serviceS;
      return doneAt;
    },
    busyS: () => busyS,
  };
}

/** The times of arrivals: a Poisson process whose rate is one of two, each for a time that is itself random. */
function arrivalsOf({ jobsPerS, bursts }: ShardLoad, random: () => number): () => number {
  const { factor, share, meanS } = bursts ?? { factor: 1, share: 0.5, meanS: 1 };
  const rates = { calm: (jobsPerS * (1 - factor * share)) / (1 - share), burst: jobsPerS * factor };
  const means = { calm: (meanS * (1 - share)) / share, burst: meanS };
  const exponential = (mean: number) => -mean * Math.log(1 - random());
  let state: 'calm' | 'burst' = 'calm';
  let now = 0;
  let until = exponential(means.calm);
  return () => {
    for (;;) {
      const next = now + exponential(1 / rates[state]);
      if (next <= until) return (now = next);
      now = until;
      state = state === 'calm' ? 'burst' : 'calm';
      until = now + exponential(means[state]);
    }
  };
}

interface Entry {
  readonly at: number;
  readonly order: number;
  readonly step: () => void;
}

/** What is to happen, by time, and by the order of its being added at the same time: a binary heap. */
function agendaOf() {
  const heap: Entry[] = [];
  let order = 0;
  const isBefore = (one: Entry, other: Entry) =>
    one.at < other.at || (one.at === other.at && one.order < other.order);
  const entryAt = (place: number) => heap[place];
  return {
    add(at: number, step: () => void): void {
      const entry = { at, order: order++, step };
      let place = heap.length;
      for (; place > 0; place = (place - 1) >> 1) {
        const parent = entryAt((place - 1) >> 1);
        if (parent === undefined || isBefore(parent, entry)) break;
        heap[place] = parent;
      }
      heap[place] = entry;
    },
    take(): Entry | undefined {
      const [first] = heap;
      const last = heap.pop();
      if (last === undefined || heap.length === 0) return first;
      let place = 0;
      for (;;) {
        const [left, right] = [entryAt(2 * place + 1), entryAt(2 * place + 2)];
        const isRight = left !== undefined && right !== undefined && isBefore(right, left);
        const least = isRight ? right : left;
        if (least === undefined || isBefore(last, least)) break;
        heap[place] = least;
        place = 2 * place + (isRight ? 2 : 1);
      }
      heap[place] = last;
      return first;
    },
  };
}

/** mulberry32: from 0 to less than 1. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d_2b_79_f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
