/** @module-tag slow */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Queue, Worker } from 'bullmq';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { RedisLink } from '../../src/client/redis-link.ts';
import { connectRedis } from '../../src/redis/connection.ts';
import { createFailedJobs } from '../../src/bullmq/failed-jobs.ts';
import { stopWorker } from '../../src/bullmq/stop-worker.ts';
import { expectNothingLost, expectService } from '../support/expect-service.ts';
import { type RedisCluster, startCluster } from '../support/redis-topology.ts';
import { createWorld } from '../support/world.ts';

let dir: string;
let cluster: RedisCluster;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'cluster-'));
  cluster = await startCluster({ dir }, { masters: 3, haveReplicas: true });
});
afterAll(async () => {
  await cluster.close();
  await rm(dir, { recursive: true });
});

describe('a Redis Cluster', () => {
  it('serves the worker, both libraries and the commands', async () => {
    await expectService(cluster);
  });

  it('does not keep a process whose producer nobody calls any more, and is connected to again', async () => {
    const { prefix } = await createWorld({ redis: cluster, startsWorker: false });
    const program = `
      import { UserJobs } from './src/index.ts';
      const options = ${JSON.stringify({ redis: cluster.target, prefix })};
      const { id } = await new UserJobs(options).create({ clientId: 'c-1' });
      console.log(id);
    `;
    const args = ['--input-type=module', '-e', program];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    expect(stdout).toMatch(/^[0-9a-f-]{36}\n$/);

    const link = new RedisLink(cluster.target, 20_000);
    onTestFinished(() => link.close());
    const count = () => link.connection.exists(`${prefix}:nothing`);
    expect(await link.call(count)).toBe(0);
    await expect.poll(() => link.connection.status, { timeout: 30_000 }).toMatch(/^(?:end|close)$/);
    expect(await link.call(count)).toBe(0);
  });

  it('holds two prefixes in two slots: each has a worker and users of its own, and nothing mixes', async () => {
    const worlds = [await createWorld({ redis: cluster }), await createWorld({ redis: cluster })];
    const [one, other] = await Promise.all(worlds.map(({ prefix }) => cluster.slotOf(prefix)));
    expect(one).not.toBe(other);
    const clientIds = ['c-1', 'c-2', 'c-3'];
    await Promise.all(
      worlds.flatMap((world) => clientIds.map((clientId) => world.run('create-user', { clientId }))),
    );
    for (const world of worlds) {
      const made = await world.users();
      expect(made).toHaveLength(3);
      expect(new Set(made.map(({ clientId }) => clientId))).toEqual(new Set(clientIds));
      expect(await world.requests('create')).toHaveLength(3);
      expect(world.events).toHaveLength(3);
    }
  });

  it('lets no script begin while its slot moves, which would find half of what it changes gone', async () => {
    const prefix = `{moving-${randomUUID()}}`;
    const connection = connectRedis(cluster.target);
    const jobs = new Queue('user-jobs', { connection, prefix });
    onTestFinished(async () => {
      await jobs.close();
      connection.disconnect();
    });
    const failed = createFailedJobs({ prefix, jobs, connection, instances: new Set(['default']) });
    await jobs.add('create-user', {}, { jobId: 'f-1' });
    await connection.lrem(jobs.toKey('wait'), 0, 'f-1');
    await connection.zadd(jobs.toKey('failed'), 1, 'f-1');
    await connection.hset(jobs.toKey('f-1'), 'finishedOn', 1);

    const slot = await cluster.slotOf(prefix);
    const from = await cluster.masterOf(prefix);
    const to = await cluster.masterOf(await prefixElsewhere(slot));
    const [fromId, toId] = await Promise.all([from, to].map(({ asked }) => asked.cluster('MYID')));
    await to.asked.cluster('SETSLOT', slot, 'IMPORTING', String(fromId));
    await from.asked.cluster('SETSLOT', slot, 'MIGRATING', String(toId));
    const retried = failed.retry([{ jobId: 'f-1', failedAt: 1 }]);
    await expect.poll(async () => /errorstat_TRYAGAIN/.test(await from.asked.info('errorstats'))).toBe(true);
    expect(await from.asked.zscore(jobs.toKey('failed'), 'f-1')).toBe('1');

    await Promise.all([from, to].map(({ asked }) => asked.cluster('SETSLOT', slot, 'STABLE')));
    expect(await retried).toBe(1);
    expect(await jobs.getWaitingCount()).toBe(1);
  });

  it('loses no job with a master that is killed under load: one event id a job, one user a sign-up', async () => {
    const world = await expectNothingLost(cluster, 100);
    expect(await world.run('create-user', { clientId: 'after' })).toMatchObject({ type: 'user.created' });
  });

  it('leaves no idle worker standing still, however long a fail-over takes', async () => {
    await cluster.heal();
    // BullMQ gives up a blocking call that is six seconds over its time: a fail-over has to take longer.
    await Promise.all(cluster.nodes.map(({ asked }) => asked.config('SET', 'cluster-node-timeout', '8000')));
    const prefix = `{idle-${randomUUID()}}`;
    const taken = new Set<string>();
    const names = Array.from({ length: 10 }, (_, n) => `idle-${n}`);
    const workers = names.map((name) => {
      const connection = connectRedis(cluster.target);
      const worker = new Worker(name, async ({ id }) => void taken.add(`${name}/${id}`), {
        connection,
        prefix,
      });
      worker.on('error', () => {});
      onTestFinished(async () => {
        await stopWorker(worker, 1000);
        connection.disconnect();
      });
      return worker;
    });
    await Promise.all(workers.map((worker) => worker.waitUntilReady()));
    const connection = connectRedis(cluster.target);
    onTestFinished(() => connection.disconnect());
    const everyoneTakes = async (jobId: string) => {
      for (const name of names) await new Queue(name, { connection, prefix }).add('job', {}, { jobId });
      await expect
        .poll(() => names.filter((name) => !taken.has(`${name}/${jobId}`)), { timeout: 90_000 })
        .toEqual([]);
    };
    await everyoneTakes('before');
    await cluster.killMaster(prefix);
    await everyoneTakes('after');
  }, 300_000);
});

/** A key that lies on another master than this slot. */
async function prefixElsewhere(slot: number): Promise<string> {
  for (let n = 0; ; n++) {
    const key = `{elsewhere-${n}}`;
    // Three masters have a third of the slots each, in order.
    if (Math.abs((await cluster.slotOf(key)) - slot) > 16_384 / 3 + 1) return key;
  }
}
