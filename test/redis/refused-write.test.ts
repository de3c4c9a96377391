import { expect, it } from 'vitest';
import { refusedWrite } from '../../src/redis/refused-write.ts';

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
  const told = refusedWrite(reply(said))?.message;
  expect(told).toContain(meaning);
  expect(told).not.toMatch(/script|command|ada|snapshots/);
});

it('is nothing else', () => {
  expect(refusedWrite(reply('WRONGTYPE Operation against a key'))).toBeUndefined();
  expect(refusedWrite(new Error('OOM'))).toBeUndefined();
});
