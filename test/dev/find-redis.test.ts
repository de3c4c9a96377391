import { expect, test } from 'vitest';
import { findRedis } from '../../src/dev/find-redis.ts';
import type { RunCommand } from '../../src/dev/run-command.ts';

const ROOT = { uid: 0, gid: 0 };
const ADA = { uid: 1000, gid: 1001 };

/** A machine where only these command lines succeed, with this output; what it was asked is kept. */
function machine(commands: Record<string, string>): {
  asked: string[];
  said: string[];
  commands: Record<string, string>;
  run: RunCommand;
  log: (line: string) => void;
} {
  const asked: string[] = [];
  const said: string[] = [];
  return {
    asked,
    said,
    commands,
    log: (line) => said.push(line),
    run: async (command, args) => {
      const line = [command, ...args].join(' ');
      asked.push(line);
      const output = Object.entries(commands).find(([start]) => line.startsWith(start))?.[1];
      return { ok: output !== undefined, output: output ?? 'not found' };
    },
  };
}

const REDIS_7 = 'Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64';
const REDIS_6_0 = 'Redis server v=6.0.16 sha=00000000:0 malloc=jemalloc-5.2.1 bits=64';
const ENGINE = { 'docker info': '26.1.5 [name=seccomp,profile=builtin]', 'docker image inspect': '[]' };

test('a redis-server on PATH comes first', async () => {
  const there = machine({ 'redis-server': REDIS_7, ...ENGINE });
  expect(await findRedis({ ...there, user: ADA })).toEqual({ how: 'redis-server', command: 'redis-server' });
});

test("Debian's redis-tools are enough: one of them is redis-server by another name", async () => {
  const there = machine({ 'redis-check-rdb': REDIS_7 });
  expect(await findRedis({ ...there, user: ADA })).toEqual({
    how: 'redis-server',
    command: 'redis-check-rdb',
  });
});

test('a Redis older than BullMQ recommends is passed over', async () => {
  const there = machine({ 'redis-server': REDIS_6_0, ...ENGINE });
  expect(await findRedis({ ...there, user: ADA })).toMatchObject({ how: 'docker' });
});

test("a container's data belongs to whoever starts it, who is root inside a rootless engine's", async () => {
  expect(await findRedis({ ...machine(ENGINE), user: ADA })).toMatchObject({ user: '1000:1001' });
  const rootless = machine({ ...ENGINE, 'docker info': '26.1.5 [name=seccomp name=rootless]' });
  expect(await findRedis({ ...rootless, user: ADA })).toMatchObject({ user: '0:0' });
});

test('an image that is missing is pulled', async () => {
  const there = machine({ 'docker info': '26.1.5', 'docker pull': '' });
  expect(await findRedis({ ...there, user: ADA })).toMatchObject({ how: 'docker', image: 'redis:8' });
  expect(there.asked).toContain('docker pull --quiet redis:8');
});

test('where no container is wanted no engine is asked', async () => {
  const there = machine(ENGINE);
  await expect(findRedis({ ...there, user: ADA, docker: false })).rejects.toThrow('No Redis to run');
  expect(there.asked.filter((line) => line.startsWith('docker'))).toEqual([]);
});

test.each([
  ['root', ROOT, ''],
  ['whoever may be root without a password', ADA, 'sudo -n '],
])('the package manager installs it for %s, with no question', async (_, user, prefix) => {
  const there = machine({ 'apt-get --version': 'apt 2.6.1', 'sudo -n true': '' });
  const install = `${prefix}env DEBIAN_FRONTEND=noninteractive apt-get`;
  const run: RunCommand = async (command, args, options) => {
    const line = [command, ...args].join(' ');
    if (line.startsWith(install))
      Object.assign(there.commands, { 'redis-check-rdb': REDIS_7, [install]: '' });
    return there.run(command, args, options);
  };
  expect(await findRedis({ ...there, run, user })).toMatchObject({ how: 'redis-server' });
  expect(there.asked).toContain(`${prefix}apt-get update`);
  expect(there.said).toEqual(['installing Redis with apt-get']);
});

test('without a way to Redis there is one message, and it says what to install', async () => {
  const nothing = machine({});
  await expect(findRedis({ ...nothing, user: ROOT })).rejects.toThrow(
    /^No Redis to run: install redis-server 6\.2 or newer .*, or set REDIS_URL to a Redis that runs elsewhere\.$/,
  );
  const noRight = machine({ 'apt-get --version': 'apt 2.6.1' });
  await expect(findRedis({ ...noRight, user: ADA })).rejects.toThrow('No Redis to run');
  expect(noRight.asked.at(-1)).toBe('sudo -n true');
});
