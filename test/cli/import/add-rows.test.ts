import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { addRows } from '../../../src/cli/import/add-rows.ts';
import type { Source } from '../../../src/cli/import/source.ts';
import { survey } from '../../../src/cli/import/survey.ts';
import { createImports } from '../../../src/bullmq/imports.ts';
import { createWorld } from '../../support/world.ts';

function fileSource(content: string): Source {
  const bytes = Buffer.from(content);
  return {
    sizeBytes: bytes.length,
    writtenAt: 0,
    async *bytes() {
      yield bytes;
    },
    hasChanged: async () => false,
    close: async () => {},
  };
}

it.each([
  ['the last rows', '150 149 0', 150],
  ['all of an import', undefined, 0],
])('rows that Redis has lost, %s, are added again, and no others', async (_what, at, kept) => {
  const { jobs, prefix, redis } = await createWorld({ startsWorker: false });
  const rows = 1000;
  const source = fileSource(`clientId\n${Array.from({ length: rows }, (_, n) => `c-${n}`).join('\n')}\n`);
  const { signal } = new AbortController();
  const options = { format: 'csv' as const };
  const found = await survey(source, {
    ...options,
    allowsDuplicates: false,
    instances: ['default'],
    signal,
    onRead: () => {},
  });
  const imports = createImports({
    jobs,
    prefix,
    connection: redis,
    instances: [],
    soonMs: 0,
    maxWaiting: 10_000,
  });
  const run = randomUUID();
  const begin = () => imports.begin(found.id, { run, isAgain: false, begunAt: 1, asOf: 0 });

  let hasLost = false;
  /** What a crash takes: the newest jobs, and with them how far the import had come. */
  async function lose(): Promise<void> {
    const key = `${prefix}:import:${found.id}`;
    const ids = await redis.zrange(jobs.toKey('prioritized'), '0', '-1');
    const lost = ids.filter((id) => Number(id.split('-').at(-1)) > kept);
    for (const id of lost) await redis.multi().zrem(jobs.toKey('prioritized'), id).del(jobs.toKey(id)).exec();
    await (at === undefined ? redis.del(key) : redis.hset(key, { place: at }));
  }
  const place = await addRows(await begin(), {
    source,
    rows: options,
    survey: found,
    begin,
    maxWaiting: 10_000,
    follower: undefined,
    signal,
    onAdded: () => {},
    async retryWhileAway(call) {
      const answer = await call();
      if (!hasLost && (await jobs.getPrioritizedCount()) >= 600) {
        hasLost = true;
        await lose();
      }
      return answer;
    },
  });
  expect(hasLost).toBe(true);
  expect(place).toEqual({ line: rows + 1, added: rows, skipped: 0 });
  const ids = await redis.zrange(jobs.toKey('prioritized'), '0', '-1');
  expect(ids).toHaveLength(rows);
  expect(new Set(ids).size).toBe(rows);
});
