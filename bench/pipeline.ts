/**
 * The benchmark of the whole pipeline: validation, ledger, reconciliation, event, log and metrics, against a bare worker that only
 * calls Damoov, both as processes of their own that empty a queue each.
 */
import { callsIn, scriptsIn } from './commands.ts';
import { slowDown } from './damoov.ts';
import { type Figure, type Section, median, overRounds } from './figures.ts';
import { BARE, OURS, prepareGround } from './ground.ts';
import { type Drained, drain, openLane } from './lane.ts';
import type { PartOptions } from './part.ts';
import { inTurns, roundsFor } from './rounds.ts';

/** What Damoov takes for an answer, and what share of a bare worker's throughput ours is to reach. */
const LATENCIES = [
  { latencyMs: 0, goal: 0.8, jobs: 5000, quickJobs: 1500 },
  { latencyMs: 20, goal: 0.98, jobs: 5000, quickJobs: 1500 },
  { latencyMs: 100, goal: 0.98, jobs: 3000, quickJobs: 1000 },
];
/** Until connections stand and code is compiled; in each round again, as a rate begins slowly. */
const WARM_UP = 400;
const MOST_CPU = 1.3;

export async function pipeline(options: PartOptions): Promise<Section[]> {
  const ground = await prepareGround();
  try {
    const sandbox = await ground.startSandbox();
    const [ours, bare] = [await openLane(ground, 'ours'), await openLane(ground, 'bare')];
    try {
      ours.pids.push(ground.spawnWorker(OURS, ours.redisUrl, sandbox));
      bare.pids.push(ground.spawnWorker(BARE, bare.redisUrl, sandbox));
      options.onProgress('warming up');
      for (const lane of [ours, bare]) await drain(lane, sizeOf(2 * WARM_UP, options));
      const sections: Section[] = [];
      for (const { latencyMs, goal, jobs, quickJobs } of LATENCIES) {
        const size = sizeOf(options.isQuick ? quickJobs : jobs, options);
        options.onProgress(`${size.count} jobs a round, Damoov answers after ${latencyMs} ms`);
        const rounds = await inTurns(roundsFor(options), [ours, bare], async (lane) => {
          await slowDown(sandbox, latencyMs);
          return drain(lane, size);
        });
        sections.push(compared(latencyMs, goal, rounds));
        if (latencyMs === 0) sections.push(commandsCompared(rounds));
      }
      return sections;
    } finally {
      await Promise.all([ours.close(), bare.close()]);
    }
  } finally {
    await ground.close();
  }
}

/** Half of a small number is for warming up. */
function sizeOf(count: number, { jobs, signal }: PartOptions) {
  const least = Math.min(count, jobs);
  return { count: least, warmUp: Math.min(WARM_UP, Math.floor(least / 2)), signal };
}

type Rounds = readonly (readonly Drained[])[];

function compared(latencyMs: number, goal: number, rounds: Rounds): Section {
  const each = (side: 0 | 1, of: (drained: Drained) => number) =>
    rounds.flatMap((round) => round.slice(side, side + 1)).map(of);
  const ratios = (of: (drained: Drained) => number) => {
    const bare = each(1, of);
    return each(0, of).map((value, round) => value / (bare[round] ?? Number.NaN));
  };
  const name = (what: string) => `${what}At${latencyMs}`;
  const both = (key: string, what: string, unit: Figure['unit'], of: (drained: Drained) => number) => [
    overRounds({ name: name(`${key}Ours`), what: `${what}, ours`, unit }, each(0, of)),
    overRounds({ name: name(`${key}Bare`), what: `${what}, the bare worker`, unit }, each(1, of)),
  ];
  const ratio = (key: string, what: string, of: (drained: Drained) => number, goal: Partial<Figure> = {}) =>
    overRounds(
      { name: name(`${key}Ratio`), what: `${what}: ours to the bare worker's`, unit: 'x', ...goal },
      ratios(of),
    );
  const { perSecond, workerCpu, redisCpu } = {
    perSecond: (drained: Drained) => drained.perSecond,
    workerCpu: (drained: Drained) => drained.workerCpuUs,
    redisCpu: (drained: Drained) => drained.redisCpuUs,
  };
  return {
    title: `The whole pipeline, ${latencyMs === 0 ? 'Damoov answers at once' : `Damoov answers after ${latencyMs} ms`}`,
    figures: [
      ...both('perSecond', 'jobs a second', '/s', perSecond),
      ratio('perSecond', 'jobs a second', perSecond, { goal, goalIs: 'at least' }),
      ...both('workerCpu', 'CPU of the worker, a job', 'us', workerCpu),
      ratio('workerCpu', 'CPU of the worker', workerCpu, { goal: MOST_CPU }),
      ...both('redisCpu', 'CPU of Redis, a job', 'us', redisCpu),
      ratio('redisCpu', 'CPU of Redis', redisCpu),
    ],
  };
}

/** By Redis' own count, which does not tell who called: a script or a client. */
function commandsCompared(rounds: Rounds): Section {
  const of = (side: 0 | 1) =>
    rounds.flatMap((round) => round.slice(side, side + 1)).map(({ commands }) => commands);
  const [ours, bare] = [of(0), of(1)];
  const callsOf = (side: typeof ours, name: string) =>
    median(side.map((commands) => commands.get(name) ?? 0));
  const names = [...new Set([...ours, ...bare].flatMap((commands) => [...commands.keys()]))];
  const told = names
    .map((name) => ({ name, ours: callsOf(ours, name), bare: callsOf(bare, name) }))
    .filter(({ ours, bare }) => Math.max(ours, bare) >= 0.1)
    .toSorted((one, other) => other.ours - one.ours || other.bare - one.bare);
  return {
    title: 'What Redis is asked, a job',
    figures: [
      { name: 'scriptsOurs', what: 'scripts, ours', value: median(ours.map(scriptsIn)), unit: 'calls' },
      {
        name: 'scriptsBare',
        what: 'scripts, the bare worker',
        value: median(bare.map(scriptsIn)),
        unit: 'calls',
      },
      {
        name: 'commandsOurs',
        what: 'commands, those in scripts included, ours',
        value: median(ours.map(callsIn)),
        unit: 'calls',
      },
      {
        name: 'commandsBare',
        what: 'commands, those in scripts included, the bare worker',
        value: median(bare.map(callsIn)),
        unit: 'calls',
      },
      ...told.map(({ name, ours, bare }): Figure => ({
        name: `calls.${name}`,
        what: `${name}, ours (the bare worker: ${bare.toFixed(1)})`,
        value: ours,
        unit: 'calls',
      })),
    ],
  };
}
