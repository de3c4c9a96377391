import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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

  it('loses no job with a master that is killed under load: one event id a job, one user a sign-up', async () => {
    const world = await expectNothingLost(cluster, 100);
    expect(await world.run('create-user', { clientId: 'after' })).toMatchObject({ type: 'user.created' });
  });
});
