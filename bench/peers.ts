/**
 * The benchmark against queues on Postgres: pg-boss and Graphile Worker, whose workers write a record of the user before and after the
 * create, the second time in one transaction with the event. Each side has a server of its own.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { answersAfter, slowDown } from './damoov.ts';
import { OURS, prepareEnvironment } from './environment.ts';
import { type Figure, type Section, overRounds } from './figures.ts';
import type { PartOptions } from './part.ts';
import { installPeers } from './peers/install.ts';
import { PEERS } from './peers/peer.ts';
import { type Emptied, openPeer } from './peers/peer-side.ts';
import { findPostgres } from './peers/postgres.ts';
import { column, inTurns, ratiosOf, roundsFor } from './rounds.ts';
import { type Drain, drain, openSubject, sizeOf } from './subject.ts';

const LATENCIES = [
  { latencyMs: 0, jobs: 3000, quickJobs: 1000 },
  { latencyMs: 20, jobs: 3000, quickJobs: 1000 },
  { latencyMs: 100, jobs: 2000, quickJobs: 750 },
];
/** Until all that is often run is compiled. */
const FIRST = 4000;

interface Side {
  empty(size: Drain): Promise<Emptied>;
  close(): Promise<void>;
}

/** @throws PartUnavailableError where there is no Postgres, or the peers cannot be installed. */
export async function peers(options: PartOptions): Promise<Section[]> {
  findPostgres();
  installPeers();
  const environment = await prepareEnvironment();
  const sides: Side[] = [];
  try {
    const sandbox = await environment.startSandbox();
    const subject = await openSubject(environment, 'ours');
    sides.push({ empty: async (size) => ofOurs(await drain(subject, size)), close: () => subject.close() });
    subject.pids.push(environment.spawnWorker(OURS, subject.redisUrl, sandbox).pid);
    for (const peer of PEERS) sides.push(await openPeer(environment, peer, sandbox));
    options.onProgress('warming up');
    for (const side of sides) await side.empty(sizeOf(FIRST, options));
    const sections: Section[] = [];
    for (const { latencyMs, jobs, quickJobs } of LATENCIES) {
      const size = sizeOf(options.isQuick ? quickJobs : jobs, options);
      options.onProgress(`${size.count} jobs a round, Damoov answers after ${latencyMs} ms`);
      const rounds = await inTurns(roundsFor(options), sides, async (side) => {
        await slowDown(sandbox, latencyMs);
        return side.empty(size);
      });
      sections.push(compared(latencyMs, rounds));
    }
    return [
      ...sections,
      { title: 'What the peers lack, as they are used here', figures: [], notes: lacks() },
    ];
  } finally {
    await Promise.allSettled(sides.map((side) => side.close()));
    await environment.close();
  }
}

function lacks(): string[] {
  return PEERS.map(({ name, library, lacks }) => `${name} ${versionOf(library)} lacks: ${lacks}.`);
}

function versionOf(library: string): string {
  const file = join(import.meta.dirname, 'node_modules', library, 'package.json');
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- npm has read it
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

function ofOurs({ perSecond, workerCpuUs, redisCpuUs }: Awaited<ReturnType<typeof drain>>): Emptied {
  return { perSecond, workerCpuUs, serverCpuUs: redisCpuUs };
}

function compared(latencyMs: number, rounds: Emptied[][]): Section {
  const all = (
    key: string,
    what: string,
    unit: Figure['unit'],
    of: (emptied: Emptied) => number,
  ): Figure[] => [
    overRounds({ name: `${key}OursAt${latencyMs}`, what: `${what}, ours`, unit }, column(rounds, 0, of)),
    ...PEERS.flatMap(({ key: peer, name }, index) => [
      overRounds(
        { name: `${key}${peer}At${latencyMs}`, what: `${what}, ${name}`, unit },
        column(rounds, index + 1, of),
      ),
      overRounds(
        { name: `${key}To${peer}At${latencyMs}`, what: `${what}: ours to that of ${name}`, unit: 'x' },
        ratiosOf(rounds, { of: 0, to: index + 1 }, of),
      ),
    ]),
  ];
  return {
    title: `Against queues on Postgres, ${answersAfter(latencyMs)}`,
    figures: [
      ...all('perSecond', 'jobs a second', '/s', ({ perSecond }) => perSecond),
      ...all('workerCpu', 'CPU of the worker, a job', 'us', ({ workerCpuUs }) => workerCpuUs),
      ...all('serverCpu', 'CPU of Redis or Postgres, a job', 'us', ({ serverCpuUs }) => serverCpuUs),
    ],
  };
}
