import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { startRedisServer } from '../../src/dev/embedded-server.ts';
import type { RedisServer, RedisServerOptions } from '../../src/dev/embedded-server.ts';
import { COMPILE_CACHE } from '../support/compile-cache.ts';

const MODULE = new URL('../../src/dev/embedded-server.ts', import.meta.url).href;

let dir: string;
let started: RedisServer[];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'embedded-redis-'));
  started = [];
});

afterEach(async () => {
  for (const server of started) await server.stop();
  await rm(dir, { recursive: true });
});

describe('an embedded Redis', () => {
  test('is for this machine only, writes every change down and never evicts', async () => {
    const server = await start();
    expect(new URL(server.url).hostname).toBe('127.0.0.1');
    const setting = async (name: string): Promise<unknown> =>
      ask(server, async (redis) => redis.config('GET', name));
    expect(await setting('appendonly')).toEqual(['appendonly', 'yes']);
    expect(await setting('maxmemory-policy')).toEqual(['maxmemory-policy', 'noeviction']);
  });

  test('has its data and its port again after a stop', async () => {
    const first = await start();
    await ask(first, async (redis) => redis.set('name', 'Ada'));
    await first.stop();
    await expect(ask(first, async (redis) => redis.ping())).rejects.toThrow();

    const second = await start();
    expect(second.url).toBe(first.url);
    expect(await ask(second, async (redis) => redis.get('name'))).toBe('Ada');
  });

  test('is shared by all who start it over one directory, until the last one stops', async () => {
    const [first, second] = await Promise.all([start(), start()]);
    expect(second.url).toBe(first.url);
    await first.stop();
    await first.stop();
    expect(await ask(second, async (redis) => redis.ping())).toBe('PONG');
    await second.stop();
    await expect(ask(second, async (redis) => redis.ping())).rejects.toThrow();
  });

  test('outlives the process group that started it, and the next one to start it ends it', async () => {
    const starter = await startInAnotherProcess(dir);
    const identity = async (): Promise<string | undefined> =>
      ask(starter, async (redis) => /run_id:(\w+)/.exec(await redis.info('server'))?.[1]);
    const before = await identity();
    await starter.killGroup();
    expect(await identity()).toBe(before);

    const heir = await start();
    expect(heir.url).toBe(starter.url);
    expect(await identity()).toBe(before);
    await heir.stop();
    await expect(identity()).rejects.toThrow();
  });

  test('moves to another port where somebody else took its own', async () => {
    const first = await start();
    await ask(first, async (redis) => redis.set('name', 'Ada'));
    await first.stop();
    const squatter = createServer((socket) => socket.destroy()).listen(
      Number(new URL(first.url).port),
      '127.0.0.1',
    );
    await once(squatter, 'listening');

    const second = await start();
    expect(second.url).not.toBe(first.url);
    expect(await ask(second, async (redis) => redis.get('name'))).toBe('Ada');
    squatter.close();
  });

  test('that cannot start says why in its own words', async () => {
    await (await start()).stop();
    const files = await readdir(join(dir, 'appendonlydir'));
    const manifest = files.find((name) => name.endsWith('.manifest')) ?? '';
    await writeFile(join(dir, 'appendonlydir', manifest), 'nonsense\n');
    await expect(start()).rejects.toThrow(/did not start over .*manifest/is);
  });

  test('that hangs is ended before another one starts over its data', async () => {
    const starter = await startInAnotherProcess(dir);
    await ask(starter, async (redis) => redis.set('name', 'Ada'));
    const info = await ask(starter, async (redis) => redis.info('server'));
    await starter.killGroup();
    process.kill(Number(/process_id:(\d+)/.exec(info)?.[1]), 'SIGSTOP');

    const heir = await start({ hungMs: 500 });
    expect(heir.url).toBe(starter.url); // nobody else could listen there otherwise
    expect(await ask(heir, async (redis) => redis.get('name'))).toBe('Ada');
  });

  async function start(options: Partial<RedisServerOptions> = {}): Promise<RedisServer> {
    const server = await startRedisServer({ dir, ...options });
    started.push(server);
    return server;
  }
});

test('without a Redis to run nothing is left in the way of the next start, and the error says what to install', async () => {
  vi.stubEnv('PATH', dir);
  onTestFinished(() => void vi.unstubAllEnvs());
  await expect(startRedisServer({ dir })).rejects.toThrow(
    /^No Redis to run: install redis-server 6\.2 or newer .*, or set REDIS_URL to a Redis that runs elsewhere/,
  );
  expect(await readdir(dir)).toEqual([]);
});

async function startInAnotherProcess(dir: string): Promise<{ url: string; killGroup(): Promise<void> }> {
  const script = `
    import { startRedisServer } from ${JSON.stringify(MODULE)};
    const server = await startRedisServer({ dir: ${JSON.stringify(dir)} });
    process.stdout.write(server.url);
    setInterval(() => undefined, 60_000);`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    env: { ...process.env, ...COMPILE_CACHE },
    detached: true, // a group of its own, as a terminal gives it
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [url] = await once(child.stdout.setEncoding('utf8'), 'data');
  return {
    url: String(url),
    killGroup: async () => {
      const exit = once(child, 'exit');
      process.kill(-(child.pid ?? Number.NaN), 'SIGKILL');
      await exit;
    },
  };
}

async function ask<T>({ url }: { url: string }, question: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url, { retryStrategy: () => null, protocol: 2 });
  redis.on('error', () => undefined);
  try {
    return await question(redis);
  } finally {
    redis.disconnect();
  }
}
