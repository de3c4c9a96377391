import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { spawnShortLockedWorker } from '../support/spawn-worker.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { type World, createWorld } from '../support/world.ts';

const changes = { phone: '+4915550001' };
const dataOf = async ({ redis, prefix }: World, jobId: string) =>
  JSON.parse((await redis.hget(`${prefix}:user-jobs:${jobId}`, 'data')) ?? '') as unknown;
const retry = async ({ jobs }: World, jobId: string) => {
  await expect.poll(() => jobs.getJobState(jobId)).toBe('failed');
  await (await jobs.getJob(jobId))?.retry('failed', { resetAttemptsMade: true });
};
const eventsOf = ({ events }: World, jobId: string) => events.filter(({ data }) => data.jobId === jobId);

describe('a job that is delivered again after it was settled', () => {
  it('publishes the same event from its remaining ids', async () => {
    const proxy = await startTcpProxy(inject('redisUrl'));
    onTestFinished(() => proxy.close());
    const world = await createWorld({ startsWorker: false, redisUrlOfWorker: proxy.url });
    const worker = spawnShortLockedWorker(world.env);
    await worker.says('connected to Redis');
    await world.run('create-user', { clientId: 'c-1' });
    const isOut = proxy.dropReplies(1, ':user-events:marker');
    const jobId = await world.add('update-user', { clientId: 'c-1', correlationId: 'r-1', changes });
    await isOut;
    await proxy.sever();
    worker.child.kill('SIGKILL');
    const event = await world.eventOf(jobId);

    world.env['REDIS_URL'] = inject('redisUrl');
    spawnShortLockedWorker(world.env);
    await expect.poll(() => world.jobs.getJobState(jobId)).toBe('completed');
    expect((await world.jobs.getJob(jobId))?.returnvalue).toEqual(event.data);
    expect(await dataOf(world, jobId)).toMatchObject({
      clientId: 'c-1',
      correlationId: 'r-1',
      ended: { outcome: { type: 'user.updated' } },
    });
    expect(eventsOf(world, jobId)).toHaveLength(1);
    expect(await world.requests('update')).toHaveLength(1);
  });
});

describe('a job that failed', () => {
  it('is carried out with all its data when it is retried, however often it fails before', async () => {
    const world = await createWorld({ modes: { errorRate: 0 } });
    await world.run('create-user', { clientId: 'c-1' });
    await world.run('update-user', { clientId: 'c-1', changes: { nickname: 'a' } });
    await world.setModes({ errorRate: 1, errorStatus: 422 });
    const jobId = await world.add('update-user', { clientId: 'c-1', changes });
    await world.eventOf(jobId);
    const encrypted = await dataOf(world, jobId);
    await retry(world, jobId);
    await expect.poll(() => eventsOf(world, jobId).length).toBe(2);
    expect(await dataOf(world, jobId)).toEqual(encrypted);
    await world.setModes({ errorRate: 0 });
    await retry(world, jobId);
    await expect.poll(() => eventsOf(world, jobId).at(-1)?.type).toBe('user.updated');
    expect(await world.users()).toMatchObject([changes]);
  });

  it('waits for its secret, where that was changed', async () => {
    const world = await createWorld({ startsWorker: false });
    const first = await world.startWorker();
    const timestamp = Date.now() - 3_600_000;
    const jobId = await world.add('update-user', { clientId: 'c-1', changes }, { timestamp });
    expect(await world.eventOf(jobId)).toMatchObject({ data: { code: 'user-not-found' } });
    await first.close();

    world.env['DAMOOV_USER_ID_SECRET'] = 'quite another secret';
    const second = await world.startWorker({ replacesUserIdSettings: true });
    await retry(world, jobId);
    const refused = { code: 'invalid-job', message: expect.stringContaining('can decrypt it') };
    await expect
      .poll(() => eventsOf(world, jobId).at(-1))
      .toMatchObject({ data: { clientId: 'c-1', ...refused } });
    await second.close();

    world.env['DAMOOV_USER_ID_SECRET'] = '';
    await world.startWorker({ replacesUserIdSettings: true });
    await world.run('create-user', { clientId: 'c-1' });
    await retry(world, jobId);
    await expect.poll(() => eventsOf(world, jobId).at(-1)?.type).toBe('user.updated');
    expect(await world.users()).toMatchObject([changes]);
  });

  it('because of its unknown instance is carried out once that is configured', async () => {
    const world = await createWorld({ startsWorker: false });
    const first = await world.startWorker();
    const jobId = await world.add('create-user', { clientId: 'c-1', profile: changes, instance: 'fleet' });
    expect(await world.eventOf(jobId)).toMatchObject({ data: { code: 'unknown-instance' } });
    await first.close();
    const { DAMOOV_INSTANCE_ID: id, DAMOOV_INSTANCE_KEY: key } = world.env;
    const dir = await mkdtemp(join(tmpdir(), 'instances-'));
    onTestFinished(() => rm(dir, { recursive: true }));
    await writeFile(join(dir, 'instances.json'), JSON.stringify({ fleet: { id, key } }));
    world.env['DAMOOV_INSTANCES_FILE'] = join(dir, 'instances.json');
    await world.startWorker();
    await retry(world, jobId);
    await expect.poll(() => eventsOf(world, jobId).at(-1)?.type).toBe('user.created');
    expect(await world.users()).toMatchObject([changes]);
  });
});
