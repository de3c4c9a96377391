import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { UserJobs } from '../../src/client/user-jobs.ts';
import { runCommand } from '../support/run-command.ts';
import { type World, type WorldOptions, createWorld } from '../support/world.ts';

const clientIds = (name: string, count: number) => Array.from({ length: count }, (_, n) => `${name}-${n}`);

async function createBulkWorld(options: WorldOptions = {}) {
  const world = await createWorld({ startsWorker: false, ...options });
  const producer = new UserJobs({ redis: inject('redisUrl'), prefix: world.prefix });
  onTestFinished(() => producer.close());
  return {
    ...world,
    producer,
    settled: (count: number) => expect.poll(() => world.events.length).toBe(count),
    order: () => world.events.map(({ data }) => data.clientId ?? ''),
  };
}

async function importUsers({ env }: World, names: readonly string[]): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'import-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const file = join(directory, 'users.csv');
  await writeFile(file, ['clientId', ...names].join('\n'));
  expect(await runCommand(['import', file], env)).toMatchObject({ status: 0 });
}

describe('a live sign-up goes before', () => {
  it('an import, whose rows keep their order', async () => {
    const world = await createBulkWorld({ env: { WORKER_CONCURRENCY: '1' } });
    await importUsers(world, clientIds('imported', 20));
    await world.add('create-user', { clientId: 'live' });
    await world.startWorker();
    await world.settled(21);
    // A worker holds some more jobs than it has requests in flight.
    expect(world.order().indexOf('live')).toBeLessThan(3);
    expect((await world.requests('create')).map(({ clientId }) => clientId)[0]).toBe('live');
  });

  it('what a producer adds in bulk', async () => {
    const world = await createBulkWorld({ env: { WORKER_CONCURRENCY: '1' } });
    await world.producer.createMany(clientIds('many', 10).map((clientId) => ({ clientId })));
    await world.producer.create({ clientId: 'one-of-many' }, { isBulk: true });
    await world.producer.create({ clientId: 'live' });
    await world.startWorker();
    await world.settled(12);
    const created = (await world.requests('create')).map(({ clientId }) => clientId);
    expect([created[0], created.at(-1)]).toEqual(['live', 'one-of-many']);
  });

  it('an import that is in line again after an outage', async () => {
    const world = await createBulkWorld({ modes: { errorRate: 1 }, env: { WORKER_CONCURRENCY: '1' } });
    await world.producer.createMany(clientIds('many', 10).map((clientId) => ({ clientId })));
    await world.startWorker();
    await expect.poll(() => world.jobs.getDelayedCount()).toBe(10);
    await world.setModes({ errorRate: 0 });
    await world.settled(10);
    const users = (await world.users()).map(({ clientId }) => clientId ?? '');
    expect(new Set(users)).toEqual(new Set(clientIds('many', 10)));
    expect(users).toHaveLength(10);
  });
});

describe('a bulk job whose user was busy', () => {
  it('goes on before the rest of its import', async () => {
    const world = await createBulkWorld({ modes: { latencyMs: 100 }, env: { WORKER_CONCURRENCY: '2' } });
    await world.add('create-user', { clientId: 'busy' });
    await world.producer.createMany(
      ['busy', ...clientIds('many', 30)].map((clientId) => ({ clientId, profile: { firstName: 'Ada' } })),
    );
    await world.startWorker();
    await world.settled(32);
    const order = world.order();
    expect(order.lastIndexOf('busy')).toBeLessThan(15);
  });

  it('lets the newest win, whichever comes first', async () => {
    const world = await createBulkWorld({ env: { WORKER_CONCURRENCY: '1' } });
    await world.producer.createMany(
      ['c-1', ...clientIds('many', 5)].map((clientId) => ({ clientId, profile: { phone: 'old' } })),
    );
    const { id } = await world.producer.update({ clientId: 'c-1', changes: { phone: 'new' } });
    await world.startWorker();
    expect(await world.eventOf(id)).toMatchObject({ type: 'user.updated', data: { changed: ['phone'] } });
    const user = (await world.users()).find(({ clientId }) => clientId === 'c-1');
    expect(user).toMatchObject({ phone: 'new', deletedAt: null });
  });
});

it('a failed bulk job that is retried waits behind live ones again', async () => {
  const env = { JOB_ATTEMPTS: '1', WORKER_CONCURRENCY: '1' };
  const world = await createBulkWorld({ modes: { errorRate: 1, errorStatus: 500 }, env });
  const worker = await world.startWorker();
  const bulk = await world.producer.create({ clientId: 'c-1' }, { isBulk: true });
  expect(await world.eventOf(bulk.id)).toMatchObject({ type: 'user.failed' });
  await worker.close();
  await world.setModes({ errorRate: 0 });
  expect(await runCommand(['failed', 'retry', '--yes'], world.env)).toMatchObject({ status: 0 });
  expect(await world.jobs.getJobState(bulk.id)).toBe('prioritized');
  await world.add('create-user', { clientId: 'live' });
  await world.startWorker();
  await world.settled(3);
  expect(world.order().slice(1)).toEqual(['live', 'c-1']);
});
