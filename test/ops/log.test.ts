import { Redis } from 'ioredis';
import { pino } from 'pino';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import type { Outcome } from '../../src/contract/outcome.ts';
import { createRunLog, describeError } from '../../src/ops/log.ts';

function openLog() {
  const lines: { level: number; msg: string }[] = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const told = createRunLog(log);
  const run = (outcome: Outcome, operation = 'create-user', more: { isFault?: true } = {}) =>
    told({
      jobId: '1',
      operation,
      instance: 'default',
      attempt: 1,
      durationMs: 1,
      verdict: { next: 'wait', outcome, delayMs: 1, reason: 'because', ...more },
    });
  return { lines, run };
}

describe('the log', () => {
  it('tells of an error of Redis its code, and never the command it quotes', async () => {
    const redis = new Redis(inject('redisUrl'));
    onTestFinished(() => redis.disconnect());
    const mark = 'marked@example.com';
    const error: Error = await redis.call('NO-SUCH-COMMAND', mark).then(
      () => new Error('it was carried out'),
      (thrown) => thrown,
    );
    expect(JSON.stringify(error) + error.message).toContain(mark);
    expect(describeError(error)).toEqual({ error: 'ReplyError', reason: 'ERR' });
  });

  it('tells of a wait at debug level, and as an error where its end could not be written down', () => {
    const { lines, run } = openLog();
    run({ status: 'wait', reason: 'no such user yet', delayMs: 1 });
    run({ status: 'wait', reason: 'no such user yet', delayMs: 1 }, 'update-user', { isFault: true });
    expect(lines.map(({ level }) => level)).toEqual([20, 50]);
  });
});
