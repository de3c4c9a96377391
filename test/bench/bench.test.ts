/** @module-tag slow */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { findPostgres } from '../../bench/peers/postgres.ts';
import { nothingConfigured } from '../support/spawn-worker.ts';

async function bench(...args: string[]) {
  return benchWith({}, ...args);
}

async function benchWith(env: Record<string, string>, ...args: string[]) {
  const child = spawn(process.execPath, ['bench/main.ts', ...args], {
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...nothingConfigured(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exit = once(child, 'close').then(([status]) => status as number | null);
  onTestFinished(async () => {
    // It has servers of its own to end, which would survive its being killed.
    child.kill('SIGTERM');
    await exit;
  });
  const [stdout, stderr, status] = await Promise.all([text(child.stdout), text(child.stderr), exit]);
  return { stdout, stderr, status };
}

describe('the benchmark', () => {
  it(
    'of deferred deletions runs to its end and prints every figure in JSON',
    { timeout: 240_000 },
    async () => {
      const { status, stdout, stderr } = await bench(
        'deletions',
        '--jobs',
        '2000',
        '--rounds',
        '2',
        '--json',
      );
      expect(status, stderr).toBe(0);
      const report = JSON.parse(stdout) as { part: string; jobs: number; figures: Record<string, number> };
      expect(report).toMatchObject({ part: 'deletions', jobs: 2000 });
      expect(Object.keys(report.figures).toSorted()).toEqual([
        'add1000BlockedP99',
        'add1000PerSecond',
        'add10BlockedP99',
        'add10PerSecond',
        'add1BlockedP99',
        'add1PerSecond',
        'addBlockedP99',
        'addOwnCpu',
        'addPerSecond',
        'addRedisCpu',
        'addSeconds',
        'bytes',
        'bytesByClientIdAt512',
        'bytesByUserId',
        'bytesOfEverything',
        'bytesOfEverythingAt512',
        'cancelMost',
        'cancelP50',
        'cancelP99',
        'listP50',
        'listP99',
        'nobodyP50',
        'sampledBytes',
        'signUpBesideMany',
        'signUpBesideNone',
        'signUpLeastRatio',
        'signUpMostRatio',
        'signUpRatio',
      ]);
      // A figure that could not be had would be null.
      const implausible = Object.entries(report.figures).filter(([, value]) => !(value > 0));
      expect(implausible).toEqual([]);
      const { bytes, sampledBytes, bytesOfEverything, bytesOfEverythingAt512 } = report.figures;
      expect(bytes).toBeGreaterThan(100);
      expect(sampledBytes).toBeGreaterThan(100);
      expect(bytesOfEverything).toBeGreaterThan(Number(bytesOfEverythingAt512));
    },
  );

  it('of capacity reports every figure of it, too', { timeout: 240_000 }, async () => {
    const { status, stdout, stderr } = await bench('capacity', '--jobs', '600', '--json');
    expect(status, stderr).toBe(0);
    const { figures } = JSON.parse(stdout) as { figures: Record<string, number> };
    const ofEach = ['create', 'update', 'delete'].flatMap((name) => [
      `${name}Cpu`,
      `${name}PerCore`,
      `${name}RedisCpu`,
    ]);
    expect(Object.keys(figures).toSorted()).toEqual(
      [...ofEach, 'jobBytes', 'eventBytes', 'completedBytes', 'userBytes', 'workerPeak'].toSorted(),
    );
    // Of so few jobs a weight may be anything; a figure that could not be had would be null.
    expect(Object.entries(figures).filter(([, value]) => !Number.isFinite(value))).toEqual([]);
    for (const name of ofEach) expect(figures[name], name).toBeGreaterThan(0);
  });

  it(
    'of every comparison reports a ratio with its least and greatest round',
    { timeout: 480_000 },
    async () => {
      const { status, stdout, stderr } = await bench(
        ...COMPARISONS,
        '--quick',
        '--jobs',
        '600',
        '--rounds',
        '2',
        '--json',
      );
      expect(status, stderr).toBe(0);
      const reports = stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { part: string; figures: Record<string, number> });
      expect(reports.map(({ part }) => part)).toEqual(COMPARISONS);
      const figures = Object.assign({}, ...reports.map(({ figures }) => figures)) as Record<string, number>;
      for (const name of RATIOS) {
        const [least, ratio, greatest] = ['Least', '', 'Greatest'].map((end) =>
          Number(figures[`${name}${end}`]),
        );
        expect(least, name).toBeGreaterThan(0);
        expect(ratio, name).toBeGreaterThanOrEqual(least ?? Infinity);
        expect(greatest, name).toBeGreaterThanOrEqual(ratio ?? Infinity);
      }
      // A bare worker does less of everything: where ours asks no more, its jobs are not settled.
      expect(figures['commandsOurs']).toBeGreaterThan(Number(figures['commandsBare']));
    },
  );

  it('of idle workers counts what ours and a bare one ask of Redis', { timeout: 120_000 }, async () => {
    const { status, stdout, stderr } = await bench('idle', '--quick', '--rounds', '1', '--json');
    expect(status, stderr).toBe(0);
    const { figures } = JSON.parse(stdout) as { figures: Record<string, number> };
    expect(figures['commandsOurs']).toBeGreaterThan(Number(figures['commandsBare']));
    expect(Number.isFinite(figures['fleet'])).toBe(true);
  });

  it(
    'of peers reports the ratio of ours to each, and what each lacks',
    { timeout: 480_000 },
    async (context) => {
      context.skip(!hasPostgres(), 'no Postgres is installed');
      const { status, stdout, stderr } = await bench(
        'peers',
        '--quick',
        '--jobs',
        '600',
        '--rounds',
        '2',
        '--json',
      );
      expect(status, stderr).toBe(0);
      const { figures, notes } = JSON.parse(stdout) as { figures: Record<string, number>; notes: string[] };
      const kinds = ['Ours', 'PgBoss', 'ToPgBoss', 'Graphile', 'ToGraphile'];
      const names = [0, 20, 100].flatMap((latencyMs) =>
        ['perSecond', 'workerCpu', 'serverCpu'].flatMap((key) =>
          kinds.map((kind) => `${key}${kind}At${latencyMs}`),
        ),
      );
      expect(Object.keys(figures).toSorted()).toEqual(
        names.flatMap((name) => [name, `${name}Least`, `${name}Greatest`]).toSorted(),
      );
      for (const name of names) expect(figures[name], name).toBeGreaterThan(0);
      expect(notes.map((note) => note.replace(/ \d+\.\d+\.\d+ lacks: .*/, ''))).toEqual([
        'pg-boss',
        'Graphile Worker',
      ]);
    },
  );

  it('of peers says what to install where there is no Postgres', async () => {
    const { status, stdout, stderr } = await benchWith({ POSTGRES_BIN: '/nowhere' }, 'peers', '--json');
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^peers: No Postgres to run: install .* postgresql.*\n$/);
  });

  it('refuses an unknown part, and lists the known ones', async () => {
    const { status, stdout, stderr } = await bench('deletion');
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain('there are: pipeline');
  });
});

function hasPostgres(): boolean {
  try {
    return findPostgres() !== '';
  } catch {
    return false;
  }
}

/** Those of more workers are made as the pipeline's, and take as long again. */
const COMPARISONS = ['pipeline', 'sequential', 'latency', 'backlog', 'memory', 'micro', 'import'];

const RATIOS = [
  'perSecondRatioAt0',
  'workerCpuRatioAt20',
  'redisCpuRatioAt100',
  'speedUp',
  'ofLimit',
  'ownRatioAt0',
  'perSecondRatioAmong20000',
  'startRatio',
  'restRatio',
  'busyRatio',
  'allStepsRatio',
  'clientCpuRatio',
];
