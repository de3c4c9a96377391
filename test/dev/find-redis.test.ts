import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { findRedis } from '../../src/dev/find-redis.ts';

let bin: string;

/** Only these programs are on the PATH; each prints this line for any arguments. */
async function machineWith(programs: Record<string, string>): Promise<void> {
  for (const [name, line] of Object.entries(programs)) {
    await writeFile(join(bin, name), `#!/bin/sh\necho '${line}'\n`);
    await chmod(join(bin, name), 0o755);
  }
}

beforeEach(async () => {
  bin = await mkdtemp(join(tmpdir(), 'programs-'));
  vi.stubEnv('PATH', bin);
  onTestFinished(async () => {
    vi.unstubAllEnvs();
    await rm(bin, { recursive: true });
  });
});

const REDIS_7 = 'Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64';
const REDIS_6_0 = 'Redis server v=6.0.16 sha=00000000:0 malloc=jemalloc-5.2.1 bits=64';
const VALKEY = 'Valkey server v=8.1.1 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64';

test('a redis-server on PATH comes first', async () => {
  await machineWith({ 'redis-server': REDIS_7, 'redis-check-rdb': REDIS_7 });
  expect(findRedis()).toBe('redis-server');
});

test("Debian's redis-tools are enough: one of them is redis-server by another name", async () => {
  await machineWith({ 'redis-server': REDIS_6_0, 'redis-check-rdb': REDIS_7 });
  expect(findRedis()).toBe('redis-check-rdb');
});

test('Valkey under the name of Redis will do', async () => {
  await machineWith({ 'redis-server': VALKEY });
  expect(findRedis()).toBe('redis-server');
});

test.each([{}, { 'redis-server': REDIS_6_0 }, { 'redis-server': 'nonsense' }])(
  'with %j there is none, and the error says what to install',
  async (programs) => {
    await machineWith(programs);
    expect(() => findRedis()).toThrow(/^No Redis to run: install redis-server 6\.2 or newer/);
  },
);
