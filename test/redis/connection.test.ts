import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { UserEvents, UserJobs } from '../../src/index.ts';
import { type RedisTarget, connectRedis, placeOf, reachRedis } from '../../src/redis/connection.ts';
import { runCommand } from '../support/run-command.ts';
import { startRedisNode } from '../support/redis-node.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { createWorld } from '../support/world.ts';

/** A Redis of the test's own that asks for a password. */
async function startGuarded() {
  const dir = await mkdtemp(join(tmpdir(), 'guarded-'));
  const password = 'the right one';
  const node = await startRedisNode({ dir, lines: [`requirepass "${password}"`], access: { password } });
  onTestFinished(async () => {
    await node.close();
    await rm(dir, { recursive: true, force: true });
  });
  return { node, place: `127.0.0.1:${node.port}` };
}

const REFUSED = 'Redis refuses the user or password';

describe('where a Redis is', () => {
  it.each<[RedisTarget, string]>([
    [{ kind: 'url', url: 'redis://user:secret@redis.example/3' }, 'redis.example:6379'],
    [{ kind: 'url', url: 'rediss://:secret@[::1]:7000' }, '[::1]:7000'],
    [
      {
        kind: 'cluster',
        nodes: [
          { host: 'a', port: 1 },
          { host: '::1', port: 2 },
        ],
        password: 'secret',
      },
      'a:1, [::1]:2',
    ],
    [
      { kind: 'sentinel', sentinels: [{ host: 'a', port: 1 }], master: 'main', sentinelPassword: 'secret' },
      'main of the sentinels a:1',
    ],
  ])('is told by host and port alone', (target, place) => expect(placeOf(target)).toBe(place));
});

describe('a wrong password is a refusal, and no absence', () => {
  it.each([
    ['a wrong one', 'redis://:wrong@', 'WRONGPASS'],
    ['none', 'redis://', 'NOAUTH'],
  ])('with %s', async (_title, scheme, code) => {
    const { place } = await startGuarded();
    const url = `${scheme}${place}`;
    const message = `${REFUSED} (${place}): ${code}`;
    await expect(reachRedis({ kind: 'url', url }, 5000)).rejects.toThrow(message);
    const users = new UserJobs({ redis: url });
    onTestFinished(() => users.close());
    await expect(users.create({ clientId: 'c-1' })).rejects.toMatchObject({ message, isRefusal: true });
    const told = await new Promise<Error>((resolve) => {
      const events = new UserEvents({ redis: url, onError: resolve }, () => {});
      onTestFinished(() => events.close());
    });
    expect(told.message).toBe(message);
    expect(await runCommand(['status'], { REDIS_URL: url })).toMatchObject({
      status: 1,
      stderr: `${message}\n`,
    });
    const doctor = await runCommand(['doctor'], { REDIS_URL: url });
    expect(doctor.stdout).toMatch(/^fail {2}redis .*\n +→ correct the user or the password/);
  });

  it('in the log and in /readyz of a worker', async () => {
    const { place } = await startGuarded();
    const world = await createWorld({ startsWorker: false, redisUrlOfWorker: `redis://:wrong@${place}` });
    const { url } = await world.startWorker();
    await expect
      .poll(() => world.logLines.join(''))
      .toContain(`"place":"${place}","reason":"WRONGPASS","msg":"${REFUSED}`);
    const { checks } = (await (await fetch(`${url}/readyz`)).json()) as { checks: Record<string, unknown> };
    expect(checks['redis']).toEqual({ ok: false, reason: `${REFUSED} (${place}): WRONGPASS` });
  });

  it('also of a Redis that was away before', async () => {
    const { node, place } = await startGuarded();
    const proxy = await startTcpProxy(`redis://${place}`);
    onTestFinished(() => proxy.close());
    await proxy.sever();
    const told: (string | undefined)[] = [];
    const { host } = new URL(proxy.url);
    const connection = connectRedis({ kind: 'url', url: `redis://:wrong@${host}` }, (_state, reason) =>
      told.push(reason),
    );
    onTestFinished(() => connection.disconnect());
    await expect.poll(() => told).toEqual(['ECONNREFUSED']);
    await proxy.restore();
    await expect.poll(() => told).toEqual(['ECONNREFUSED', 'WRONGPASS']);
    expect(node.isAlive).toBe(true);
  });
});
