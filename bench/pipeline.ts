/**
 * The benchmark of the whole pipeline: validation, userState, reconciliation, event, log and metrics, against a bare worker that
 * calls Damoov and adds an event, both as processes of their own that empty a queue each.
 */
import { callsIn, scriptsIn } from './commands.ts';
import { answersAfter, slowDown } from './damoov.ts';
import { type Figure, type Section, median, overRounds } from './figures.ts';
import { BARE, OURS, prepareEnvironment } from './environment.ts';
import { type Drained, drain, openSubject, sizeOf } from './subject.ts';
import type { PartOptions } from './part.ts';
import { column, inTurns, ratiosOf, roundsFor } from './rounds.ts';

/** What Damoov takes for an answer, and what share of a bare worker's throughput ours is to reach. */
const LATENCIES = [
  { latencyMs: 0, goal: 0.75, jobs: 5000, quickJobs: 1000 },
  { latencyMs: 20, goal: 0.9, jobs: 5000, quickJobs: 1000 },
  { latencyMs: 100, goal: 1.05, jobs: 3000, quickJobs: 750 },
];
/** Until all that is often run is compiled: the first jobs of a process cost twice what later ones do. */
const FIRST = 4000;
const MOST_CPU = 1.5;

export async function pipeline(options: PartOptions): Promise<Section[]> {
  const environment = await prepareEnvironment();
  try {
    const sandbox = await environment.startSandbox();
    const [ours, bare] = [await openSubject(environment, 'ours'), await openSubject(environment, 'bare')];
    try {
      ours.pids.push(environment.spawnWorker(OURS, ours.redisUrl, sandbox).pid);
      bare.pids.push(environment.spawnWorker(BARE, bare.redisUrl, sandbox).pid);
      options.onProgress('warming up');
      for (const subject of [ours, bare]) await drain(subject, sizeOf(FIRST, options));
      const sections: Section[] = [];
      for (const { latencyMs, goal, jobs, quickJobs } of LATENCIES) {
        const size = sizeOf(options.isQuick ? quickJobs : jobs, options);
        options.onProgress(`${size.count} jobs a round, Damoov answers after ${latencyMs} ms`);
        const rounds = await inTurns(roundsFor(options), [ours, bare], async (subject) => {
          await slowDown(sandbox, latencyMs);
          return drain(subject, size);
        });
        sections.push(compared(latencyMs, goal, rounds));
        if (latencyMs === 0) sections.push(commandsCompared(rounds));
      }
      return sections;
    } finally {
      await Promise.all([ours.close(), bare.close()]);
    }
  } finally {
    await environment.close();
  }
}

type Rounds = readonly (readonly Drained[])[];

function compared(latencyMs: number, goal: number, rounds: Rounds): Section {
  const three = (
    key: string,
    what: string,
    unit: Figure['unit'],
    of: (drained: Drained) => number,
    goal = {},
  ) => [
    overRounds({ name: `${key}OursAt${latencyMs}`, what: `${what}, ours`, unit }, column(rounds, 0, of)),
    overRounds(
      { name: `${key}BareAt${latencyMs}`, what: `${what}, the bare worker`, unit },
      column(rounds, 1, of),
    ),
    overRounds(
      { name: `${key}RatioAt${latencyMs}`, what: `${what}: ours to the bare worker's`, unit: 'x', ...goal },
      ratiosOf(rounds, { of: 0, to: 1 }, of),
    ),
  ];
  return {
    title: `The whole pipeline, ${answersAfter(latencyMs)}`,
    figures: [
      ...three('perSecond', 'jobs a second', '/s', ({ perSecond }) => perSecond, {
        goal,
        goalIs: 'at least',
      }),
      ...three('workerCpu', 'CPU of the worker, a job', 'us', ({ workerCpuUs }) => workerCpuUs, {
        goal: MOST_CPU,
      }),
      ...three('redisCpu', 'CPU of Redis, a job', 'us', ({ redisCpuUs }) => redisCpuUs),
    ],
  };
}

/** By Redis' own count, which includes calls of clients and of scripts. */
function commandsCompared(rounds: Rounds): Section {
  const ours = rounds.flatMap(([ours]) => ours?.commands ?? []);
  const bare = rounds.flatMap(([, bare]) => bare?.commands ?? []);
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
