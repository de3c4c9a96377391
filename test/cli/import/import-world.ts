/** A queue, `import` on it, and lists of rows. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { runCommand, spawnCommand, startCommand } from '../../support/run-command.ts';
import { type WorldOptions, createWorld } from '../../support/world.ts';

export async function createDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'import-test-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

export async function createImportWorld(options: WorldOptions = { startsWorker: false }) {
  const world = await createWorld(options);
  const directory = await createDirectory();
  const key = (name: string) => `${world.prefix}:user-jobs:${name}`;
  const { redis } = world;
  return {
    ...world,
    directory,
    async file(content: string, name = 'users.csv') {
      const path = join(directory, name);
      await writeFile(path, content);
      return path;
    },
    import: (...args: string[]) => runCommand(['import', ...args], world.env),
    start: (...args: string[]) => startCommand(['import', ...args], world.env),
    spawn: (...args: string[]) => spawnCommand(['import', ...args], world.env),
    waiting: () => redis.zcard(key('prioritized')),
    waitingIds: () => redis.zrange(key('prioritized'), '0', '-1'),
    /** How far the import of this world has come: begins with the last line that it has dealt with. */
    place: async () => {
      const keys = await redis.keys(`${world.prefix}:import:*`);
      return redis.hget(keys.find((name) => !name.endsWith(':added')) ?? '', 'place');
    },
    /** Number of calls of add, whether or not they added a job. */
    adds: async () => Number(await redis.get(key('id'))),
    /** Oldest first. */
    async data() {
      const ids = await redis.zrange(key('prioritized'), '0', '-1');
      const texts = await Promise.all(ids.map((id) => redis.hget(key(id), 'data')));
      return texts.map((text) => JSON.parse(text ?? '') as Record<string, unknown>);
    },
  };
}

/** The lines of a report, without the import and round at their ends. */
export function endsIn(report: string): string[] {
  const [, ...lines] = report.trimEnd().split('\n');
  return lines.map((line) => line.replace(/,[0-9a-f]{16}-\d{13}$/, ''));
}

export function csvOf(rows: number): string {
  const lines = Array.from({ length: rows }, (_, n) => `c-${n},First ${n},user${n}@example.com`);
  return `${['clientId,firstName,email', ...lines].join('\n')}\n`;
}
