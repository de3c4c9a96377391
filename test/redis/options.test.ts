import { randomUUID } from 'node:crypto';
import { expect, inject, it, onTestFinished, vi } from 'vitest';
import { z } from 'zod';
import { UserEvents, UserJobs } from '../../src/index.ts';
import { checkedOptions } from '../../src/damoov/checked-options.ts';
import { RedisPlace, prefixWarning, redisUrlFault } from '../../src/redis/options.ts';
import { runCommand } from '../support/run-command.ts';
import { createWorld } from '../support/world.ts';

const targetOf = (redis: unknown) => checkedOptions(z.strictObject({ redis: RedisPlace }), { redis }).redis;

it.each(['redis://h', 'rediss://user:p%40ss@h:7000/15', 'redis://:%23%3F%25@[::1]/'])(
  '%s is one Redis',
  (redis) => {
    expect(redisUrlFault(redis)).toBeUndefined();
    expect(targetOf(redis)).toEqual({ kind: 'url', url: redis });
  },
);

it.each([
  ['no URL', 'must name a host'],
  ['redis://', 'must name a host'],
  ['redis://h/abc', 'must name a host'],
  ['redis://h/-1', 'must name a host'],
  ['redis://h?db=9', 'must have no ? and no #'],
  ['redis://user:99#kret@h', 'must have no ? and no #'],
  ['redis://%zz@h', 'percent-encoded'],
  ['redis://:%zz@h', 'percent-encoded'],
])('%s is none', (redis, fault) => {
  expect(redisUrlFault(redis)).toContain(fault);
  expect(() => targetOf(redis)).toThrow('redis: must ');
});

it.each(['http://h', 'h:6379'])('%s names no Redis', (redis) => {
  expect(() => targetOf(redis)).toThrow('redis: must be a redis:// or rediss:// URL');
});

const NODE = { host: 'h', port: 6379 };

it.each([
  { kind: 'url', url: 'redis://h', username: 'ada', password: 'secret' },
  { kind: 'cluster', nodes: [NODE], tls: { ca: 'PEM', cert: undefined } },
  { kind: 'sentinel', sentinels: [NODE, NODE], master: 'jobs', sentinelPassword: 'secret' },
])('%j is where a Redis is', (target) => {
  expect(targetOf(target)).toEqual(target);
});

it.each([
  [{ kind: 'urls', url: 'redis://h' }, 'redis.kind: must be url, cluster or sentinel'],
  [{ kind: 'url', url: 'redis://kret@h?a' }, 'redis.url: must have no ?'],
  [{ kind: 'cluster', nodes: [] }, 'redis.nodes: must name at least one'],
  [{ kind: 'cluster', nodes: 'kret:6379' }, 'redis.nodes: must be a list'],
  [{ kind: 'cluster', nodes: [{ host: 'h', port: 'kret' }] }, 'redis.nodes.0.port: must be a whole number'],
  [{ kind: 'cluster', nodes: [NODE], pasword: 'kret' }, 'redis.pasword: no such option'],
  [
    { kind: 'cluster', nodes: [NODE], tls: { ca: 'kret', caFile: 'kret' } },
    'redis.tls.caFile: no such option',
  ],
  [
    { kind: 'sentinel', sentinels: [], password: '' },
    'redis.sentinels: must name at least one; redis.master: must be a text; redis.password: must not be empty',
  ],
])('%j is refused, and nothing of it reported', (target, faults) => {
  expect(() => targetOf(target)).toThrow(TypeError);
  expect(() => targetOf(target)).toThrow(faults);
  expect(() => targetOf(target)).not.toThrow('kret');
});

it.each(['damoov', '{}damoov', 'damoov}', '{damoov'])('a prefix of %j has no hash tag', (prefix) => {
  expect(prefixWarning('prefix', prefix)).toContain('prefix has no name in braces, as in {damoov}');
});

it.each(['{damoov}', 'eu-{damoov}', '{a}{}'])('a prefix of %j has one', (prefix) => {
  expect(prefixWarning('prefix', prefix)).toBeUndefined();
});

it('worker, doctor and both libraries warn of a prefix without one, and go on', async () => {
  const prefix = `test-${randomUUID()}`;
  const world = await createWorld({ prefix });
  expect(world.logLines.join('')).toMatch(/"level":40,.*"msg":"QUEUE_PREFIX has no name in braces/);
  const { stdout } = await runCommand(['doctor'], world.env);
  expect(stdout).toMatch(
    /^warn {2}QUEUE_PREFIX +QUEUE_PREFIX has no name in braces.*\n +→ put the name in braces/m,
  );
  const redis = inject('redisUrl');
  const printed = vi.spyOn(process, 'emitWarning').mockReturnValue();
  onTestFinished(() => printed.mockRestore());
  const users = new UserJobs({ redis, prefix });
  onTestFinished(() => users.close());
  const events = new UserEvents({ redis, prefix, queue: 'another' }, () => {});
  onTestFinished(() => events.close());
  const warning = expect.stringContaining('prefix has no name in braces');
  expect(printed.mock.calls).toEqual([[warning], [warning]]);
  expect(await (await users.create({ clientId: 'c-1' })).result()).toMatchObject({ type: 'user.created' });
});
