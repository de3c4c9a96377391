/** @module-tag slow */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectNothingLost, expectService } from '../support/expect-service.ts';
import { type RedisTopology, startSentinelSet } from '../support/redis-topology.ts';

let dir: string;
let set: RedisTopology;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'sentinel-'));
  set = await startSentinelSet({ dir }, { replicas: 2 });
});
afterAll(async () => {
  await set.close();
  await rm(dir, { recursive: true });
});

describe('a Redis behind Sentinels', () => {
  it('serves the worker, both libraries and the commands', async () => {
    await expectService(set);
  });

  it('loses no job with a master that is killed under load: one event id a job, one user a sign-up', async () => {
    const world = await expectNothingLost(set, 100);
    expect(await world.run('create-user', { clientId: 'after' })).toMatchObject({ type: 'user.created' });
  });
});
