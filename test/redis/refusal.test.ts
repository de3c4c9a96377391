import { inspect } from 'node:util';
import { Redis } from 'ioredis';
import { expect, inject, it, onTestFinished } from 'vitest';
import { RedisRefusedError, isRedisFault, refusalOf, redacted } from '../../src/redis/refusal.ts';

const reply = (message: string) => Object.assign(new Error(message), { name: 'ReplyError' });

it.each([
  [
    "OOM command not allowed when used memory > 'maxmemory'. script: 1f, on @user_script:1.",
    'its memory is full',
  ],
  [
    "ERR Error running script: -OOM command not allowed when used memory > 'maxmemory'.",
    'its memory is full',
  ],
  ["READONLY You can't write against a read only replica.", 'it is a replica'],
  ['MISCONF Redis is configured to save RDB snapshots', 'it cannot save'],
  ["NOPERM User ada has no permissions to run the 'evalsha' command", 'its user may not do that'],
])('%s is told by its meaning, and not by its text', (said, meaning) => {
  const told = refusalOf(reply(said))?.message;
  expect(told).toContain(meaning);
  expect(told).not.toMatch(/script|command|ada|snapshots/);
});

it('is nothing else', () => {
  expect(refusalOf(reply('WRONGTYPE Operation against a key'))).toBeUndefined();
  expect(refusalOf(new Error('OOM'))).toBeUndefined();
});

it('of any kind can be told without the command that was refused', () => {
  const refused = Object.assign(reply('WRONGTYPE Operation'), { command: { args: ['ada@example.com'] } });
  const told = redacted(refused);
  expect(told).toMatchObject({ name: 'RedisRefusedError', code: 'WRONGTYPE' });
  expect(inspect(told, { depth: 9 })).not.toContain('ada@example.com');
  expect(redacted(reply('the deletion was not added: -1'))).toMatchObject({ code: 'ERR' });
  const other = new TypeError('no reply');
  expect(redacted(other)).toBe(other);
  expect(refusalOf(new RedisRefusedError('OOM'))).toMatchObject({ code: 'OOM' });
});

it.each([
  ['OOM, out of a script of an older server', reply('ERR Error running script: -OOM command not allowed')],
  ['a key of the wrong type', reply('WRONGTYPE Operation against a key holding the wrong kind of value')],
  ['a lost connection', Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })],
  ['a connection that is closed', new Error('Connection is closed.')],
  ['a refusal that was read', new RedisRefusedError('MISCONF')],
])('%s is a fault of Redis', (_what, error) => {
  expect(isRedisFault(error)).toBe(true);
});

it.each([
  ['a wrong call of Node, which bears a code', () => Buffer.from(undefined as never)],
  ['a date that cannot be', () => new Date(Number.NaN).toISOString()],
  ['a text that is no JSON', () => JSON.parse('{')],
])('%s is none', (_what, call) => {
  expect(call).toThrow(expect.toSatisfy((error) => !isRedisFault(error)));
});

it.each(['return cjson.decode("{")', 'return nothing.here', 'return redis.call("INCR", KEYS[1], 2)'])(
  'a script that fails on what it was given is none: %s',
  async (lua) => {
    const redis = new Redis(inject('redisUrl'));
    onTestFinished(() => redis.disconnect());
    const error: unknown = await redis.eval(lua, 1, 'nowhere').catch((error: unknown) => error);
    expect(error).toMatchObject({ name: 'ReplyError' });
    expect(isRedisFault(error)).toBe(false);
  },
);

it.each([
  [
    'a failed job that quotes words of Redis',
    'UnrecoverableError',
    'invalid-job: unknown key "CLUSTERDOWN"',
    undefined,
  ],
  ['a failed attempt that does', 'AttemptFailed', 'Connection is closed.', undefined],
  ['an error of the language with a code', 'TypeError', 'x', 'ERR_INVALID_ARG_TYPE'],
  ['an error of Node.js with a code', 'Error', 'x', 'ERR_CRYPTO_INVALID_STATE'],
])('%s is no fault of Redis', (_what, name, message, code) => {
  expect(isRedisFault(Object.assign(new Error(message), { name }, code && { code }))).toBe(false);
});

it.each([
  ['ReplyError', 'WRONGTYPE Operation against a key', undefined],
  ['Error', 'CLUSTERDOWN Hash slot not served', undefined],
  ['Error', 'read ECONNRESET', 'ECONNRESET'],
  ['AbortError', 'Command aborted due to connection close', undefined],
])('%s: %s is a fault of Redis', (name, message, code) => {
  expect(isRedisFault(Object.assign(new Error(message), { name }, code && { code }))).toBe(true);
});
