import { inspect } from 'node:util';
import { expect, it } from 'vitest';
import { RedisRefusedError, refusalOf, tellable } from '../../src/redis/refusal.ts';

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
  const told = tellable(refused);
  expect(told).toMatchObject({ name: 'RedisRefusedError', code: 'WRONGTYPE' });
  expect(inspect(told, { depth: 9 })).not.toContain('ada@example.com');
  expect(tellable(reply('the deletion was not added: -1'))).toMatchObject({ code: 'ERR' });
  const other = new TypeError('no reply');
  expect(tellable(other)).toBe(other);
  expect(refusalOf(new RedisRefusedError('OOM'))).toMatchObject({ code: 'OOM' });
});
