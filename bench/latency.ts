/**
 * The benchmark of a sign-up's way on an idle system, from its add to its event at a subscriber, against a bare worker that calls
 * Damoov and then adds an event. What Damoov itself takes is measured beside them and taken out of both.
 */
import { answersAfter, createUser, slowDown } from './damoov.ts';
import { type Figure, type Section, median, overRounds, percentile, timesOf } from './figures.ts';
import { BARE, OURS, accessTo, prepareEnvironment } from './environment.ts';
import { signUpOf } from './subject.ts';
import type { PartOptions } from './part.ts';
import { column, inTurns, roundsFor } from './rounds.ts';
import { openSide } from './sign-ups.ts';

/** So many sign-ups a round, one at a time. */
const LATENCIES = [
  { latencyMs: 0, signUps: 300, quickSignUps: 60 },
  { latencyMs: 20, signUps: 100, quickSignUps: 15 },
  { latencyMs: 100, signUps: 50, quickSignUps: 4 },
];
/** Until the workers' code is compiled. */
const WARM_UP = 200;
const MOST = 1.5;

export async function latency(options: PartOptions): Promise<Section[]> {
  const environment = await prepareEnvironment();
  try {
    const sandbox = await environment.startSandbox();
    const urls = { ours: await environment.startRedis('ours'), bare: await environment.startRedis('bare') };
    environment.spawnWorker(OURS, urls.ours, sandbox);
    environment.spawnWorker(BARE, urls.bare, sandbox);
    const [ours, bare] = [await openSide(urls.ours), await openSide(urls.bare)];
    try {
      const access = accessTo(sandbox);
      const sides = [
        () => ours.signUp(),
        () => bare.signUp(),
        async (n: number) => createUser(access, signUpOf(n)),
      ];
      options.onProgress('warming up');
      for (const side of sides) await timesOf(Math.min(WARM_UP, options.jobs), side);
      const sections: Section[] = [];
      for (const { latencyMs, signUps, quickSignUps } of LATENCIES) {
        const count = Math.min(options.isQuick ? quickSignUps : signUps, options.jobs);
        options.onProgress(`${count} sign-ups a round, Damoov answers after ${latencyMs} ms`);
        const rounds = await inTurns(roundsFor(options), sides, async (side) => {
          options.signal?.throwIfAborted();
          await slowDown(sandbox, latencyMs);
          return timesOf(count, side);
        });
        sections.push(compared(latencyMs, rounds));
      }
      return sections;
    } finally {
      await Promise.all([ours.close(), bare.close()]);
    }
  } finally {
    await environment.close();
  }
}

/** Of each round, each side's times in milliseconds: ours, the bare worker's, and of Damoov alone. */
function compared(latencyMs: number, rounds: number[][][]): Section {
  const [ours, bare, damoov] = [0, 1, 2].map((place) => column(rounds, place, median));
  const ownShares = (side: number[] = []) => side.map((ms, round) => ms - (damoov?.[round] ?? Number.NaN));
  const [ownOurs, ownBare] = [ownShares(ours), ownShares(bare)];
  const [all, allBare, allDamoov] = [0, 1, 2].map((place) => rounds.flatMap((round) => round[place] ?? []));
  const name = (key: string) => `${key}At${latencyMs}`;
  return {
    title: `From a sign-up's add to its event, one at a time, ${answersAfter(latencyMs)}`,
    figures: [
      overRounds({ name: name('ours'), what: 'median, ours', unit: 'ms' }, ours ?? []),
      overRounds({ name: name('bare'), what: 'median, the bare worker', unit: 'ms' }, bare ?? []),
      overRounds(
        { name: name('damoov'), what: 'median, a request to Damoov alone', unit: 'ms' },
        damoov ?? [],
      ),
      overRounds({ name: name('ownOurs'), what: 'own share of the median, ours', unit: 'ms' }, ownOurs),
      overRounds(
        { name: name('ownBare'), what: 'own share of the median, the bare worker', unit: 'ms' },
        ownBare,
      ),
      overRounds(
        { name: name('ownRatio'), what: "own share: ours to the bare worker's", unit: 'x', goal: MOST },
        ownOurs.map((ms, round) => ms / (ownBare[round] ?? Number.NaN)),
      ),
      ...(all !== undefined && all.length >= ENOUGH ? p99s(name, all, allBare ?? [], allDamoov ?? []) : []),
    ],
  };
}

/** With fewer sign-ups the 99th percentile is only the slowest one, which depends on the machine. */
const ENOUGH = 300;

function p99s(name: (key: string) => string, ours: number[], bare: number[], damoov: number[]): Figure[] {
  const [ofOurs, ofBare, ofDamoov] = [ours, bare, damoov].map((times) => percentile(times, 0.99));
  const own = (ms = Number.NaN) => ms - median(damoov);
  return [
    { name: name('p99Ours'), what: 'p99, ours', value: ofOurs ?? Number.NaN, unit: 'ms' },
    { name: name('p99Bare'), what: 'p99, the bare worker', value: ofBare ?? Number.NaN, unit: 'ms' },
    {
      name: name('p99Damoov'),
      what: 'p99, a request to Damoov alone',
      value: ofDamoov ?? Number.NaN,
      unit: 'ms',
    },
    {
      name: name('p99OwnRatio'),
      what: "p99 without Damoov's median: ours to the bare worker's",
      value: own(ofOurs) / own(ofBare),
      unit: 'x',
      goal: MOST,
    },
  ];
}
