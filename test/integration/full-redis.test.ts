import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Finding } from '../../src/tools/doctor/finding.ts';
import { type RedisNode, startRedisNode } from '../support/redis-node.ts';
import { runCommand } from '../support/run-command.ts';
import { type World, createWorld } from '../support/world.ts';

const FULL = /^Redis refuses to write \(OOM\): its memory is full/;

/** A world with a Redis of its own, in which one user has signed up; no worker runs. */
async function createFillableWorld() {
  const dir = await mkdtemp(join(tmpdir(), 'full-'));
  onTestFinished(() => rm(dir, { recursive: true }));
  const node = await startRedisNode({ dir });
  onTestFinished(() => node.close());
  const url = `redis://127.0.0.1:${node.port}`;
  const redis = { target: { kind: 'url', url } as const, env: { REDIS_URL: url } };
  const world = await createWorld({ redis, startsWorker: false });
  const app = await world.startWorker();
  await world.run('create-user', { clientId: 'here' });
  await app.close();
  return { node, world };
}

/** With less than it has taken already, Redis refuses what takes more. */
const fill = ({ asked }: RedisNode) => asked.config('SET', 'maxmemory', '1mb');
const makeRoom = ({ asked }: RedisNode) => asked.config('SET', 'maxmemory', '0');

async function diagnosis({ env }: World): Promise<Finding[]> {
  const { stdout } = await runCommand(['doctor', '--json'], env);
  return (JSON.parse(stdout) as { findings: Finding[] }).findings;
}

describe('a full Redis', () => {
  const changes = { phone: '1' };
  it.each([
    ['delete-user', { clientId: 'nobody' }, { type: 'user.deleted', data: { existed: false } }],
    ['delete-user', { clientId: 'here' }, { type: 'user.deleted', data: { existed: true } }],
    ['update-user', { clientId: 'nobody', changes }, { data: { code: 'user-not-found', attempts: 1 } }],
    ['update-user', { clientId: 'here', changes }, { type: 'user.updated' }],
    ['create-user', { clientId: 'new' }, { type: 'user.created' }],
  ])('costs no attempt of a %s of %o, which ends once there is room', async (name, data, end) => {
    const { node, world } = await createFillableWorld();
    // BullMQ can take no job from those that wait, but those that are due.
    // And an update waits an hour for a sign-up that may still come.
    const timestamp = Date.now() - (data.clientId === 'nobody' ? 3_600_000 : 0);
    const jobId = await world.add(name, data, { delay: 1, timestamp });
    await fill(node);
    await world.startWorker();
    const run = `"jobId":"${jobId}"`;
    await expect.poll(() => world.logLines.some((line) => line.includes(run))).toBe(true);
    await expect.poll(() => world.jobs.getJobState(jobId)).toBe('delayed');
    const job = await world.jobs.getJob(jobId);
    expect(job).toMatchObject({ attemptsMade: 0 });
    await makeRoom(node);
    await job?.promote();
    expect(await world.eventOf(jobId)).toMatchObject(end);
  });

  it('is reported by `/readyz`, `status` and the whole report of `doctor`', async () => {
    const { node, world } = await createFillableWorld();
    const before = await diagnosis(world);
    const { url } = await world.startWorker();
    await fill(node);

    await expect
      .poll(async () => (await fetch(`${url}/readyz`)).json())
      .toMatchObject({
        status: 'not ready',
        checks: { redis: { ok: false, reason: expect.stringMatching(FULL) } },
      });
    const status = await runCommand(['status', '--json'], world.env);
    expect(JSON.parse(status.stdout)).toMatchObject({ redis: expect.stringMatching(FULL) });
    expect((await runCommand(['status'], world.env)).stdout).toMatch(/^redis +Redis refuses to write/);

    const full = await diagnosis(world);
    expect(full.map(({ check }) => check)).toEqual(before.map(({ check }) => check));
    expect(full.filter(({ is }) => is === 'fail').map(({ check }) => check)).toEqual([
      'redis',
      'redis memory',
    ]);
    expect(full[0]).toMatchObject({ todo: expect.stringMatching(FULL) });
  });
});
