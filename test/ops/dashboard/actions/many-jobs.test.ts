/** @module-tag slow */
import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { makeFailedJobs } from '../../../support/failed-jobs.ts';
import { spawnWorker } from '../../../support/spawn-worker.ts';
import { createWorld } from '../../../support/world.ts';
import { PASSWORD, USER } from '../dashboard-world.ts';
import { AN_OPERATOR, fieldsIn, leadOf, operatorAt, pathOf } from './operator-world.ts';

/** Few and small generations: V8 would rather take memory than collect. */
const SMALL = '--max-old-space-size=96 --max-semi-space-size=2';

/** In bytes. */
function residentOf(pid: number): number {
  return 1024 * Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' }));
}

it('a hundred thousand failed jobs are retried from a page in the memory that few need, and it shows how far it is', async () => {
  const world = await createWorld({ startsWorker: false });
  await world.jobs.pause();
  const accounts = { DASHBOARD_USER: USER, DASHBOARD_PASSWORD: PASSWORD, ...AN_OPERATOR };
  const worker = spawnWorker({ ...world.env, ...accounts, NODE_OPTIONS: SMALL });
  await worker.says('worker started');
  const [, url = ''] = /"url":"([^"]+)"/.exec(worker.output.join()) ?? [];
  const { get, post } = operatorAt(url);

  /** Retries all failed jobs: what its page says until it ends, and the most memory that the worker has. */
  async function retryAll() {
    const asked = { token: fieldsIn(await get())['token'] ?? '', filter: '{}' };
    const { html } = await post(pathOf('retryFailed'), asked);
    const { location } = await post(`${pathOf('retryFailed')}/confirmed`, fieldsIn(html));
    const said = new Set<string>();
    let most = 0;
    for (;;) {
      most = Math.max(most, residentOf(worker.child.pid ?? 0));
      const now = await get(location);
      said.add(leadOf(now));
      if (!now.includes('http-equiv="refresh"')) return { said: [...said], most };
    }
  }

  await makeFailedJobs(world.redis, world.prefix, { count: 5000, idStart: 'few' });
  const few = await retryAll();
  expect(few.said.at(-1)).toBe('Done. 5,000 retried.');
  await makeFailedJobs(world.redis, world.prefix, { count: 100_000 });
  const many = await retryAll();
  expect(many.said.at(-1)).toBe('Done. 100,000 retried.');
  expect(await world.jobs.getWaitingCount()).toBe(105_000);
  const progress = many.said.slice(0, -1).map((text) => {
    const [, done = ''] = /^Under way: ([\d,]+) of 100,000 done\./.exec(text) ?? [];
    return Number(done.replaceAll(',', ''));
  });
  expect(progress.length).toBeGreaterThan(10);
  expect(progress).toEqual(progress.toSorted((a, b) => a - b));
  // All of them at once would be more than 100 MB.
  expect(many.most - few.most).toBeLessThan(30 * 2 ** 20);
});
