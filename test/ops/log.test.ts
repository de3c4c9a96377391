import { PassThrough } from 'node:stream';
import { Redis } from 'ioredis';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { type UserEvent, eventOf } from '../../src/contract/event.ts';
import { type Outcome, type Settled, failed } from '../../src/contract/outcome.ts';
import type { Notification } from '../../src/ops/notifications.ts';
import { createLog, createLogWriter, describeError } from '../../src/ops/log.ts';
import type { Decision } from '../../src/lifecycle/decision.ts';

const USER_ID = '3d0d0165-ec19-8bb6-9018-d49217879e0a';

async function openLog({ hasAdmin = true } = {}) {
  const lines: Record<string, unknown>[] = [];
  const write = (line: string) => void lines.push(JSON.parse(line));
  const log = await createLog('trace', false, { write });
  const emit = createLogWriter(log, { hasAdmin });
  const run = (decision: Decision) =>
    emit({
      is: 'run-ended',
      run: {
        jobId: 'j-1',
        operation: 'create-user',
        instance: 'default',
        attempt: 2,
        durationMs: 31,
        sinceDueMs: 40,
        decision,
      },
    });
  const wait = (outcome: Outcome, more: { isFault?: true } = {}) =>
    run({ next: 'wait', outcome, delayMs: 1, reason: 'because', ...more });
  /** Without what every line has. */
  const told = () => lines.map(({ time: _time, ...line }) => line);
  return { lines, log, emit, run, wait, told };
}

function settled(outcome: Settled): UserEvent {
  return eventOf(outcome, {
    source: '/damoov-users/damoov/user-jobs',
    timestamp: 1795878932453,
    jobId: 'j-1',
    operation: 'create-user',
    instance: 'default',
    attempts: 2,
    now: 1,
  });
}

describe('the log', () => {
  it('has one line for a settled job, with all that tells it from others', async () => {
    const { run, told } = await openLog();
    const done: Settled = { status: 'done', type: 'user.created', userId: USER_ID, existed: false };
    run({ next: 'complete', outcome: done, event: settled(done) });
    const late: Settled = { status: 'superseded', by: 'newer values', userId: USER_ID };
    run({ next: 'complete', outcome: late, event: settled(late) });
    const refused = failed('rejected', 'no', USER_ID);
    run({ next: 'fail', outcome: refused, event: settled(refused), reason: 'rejected: no' });
    const same = {
      jobId: 'j-1',
      userId: USER_ID,
      operation: 'create-user',
      instance: 'default',
      attempt: 2,
      durationMs: 31,
    };
    expect(told()).toEqual([
      { ...same, level: 30, outcome: 'user.created', msg: 'job done' },
      { ...same, level: 30, outcome: 'user.superseded', code: 'newer values', msg: 'job done' },
      {
        ...same,
        level: 40,
        outcome: 'user.failed',
        code: 'rejected',
        reason: 'rejected: no',
        msg: 'job failed',
      },
    ]);
  });

  it.for<[Notification, number, string]>([
    [
      { is: 'circuit-changed', change: { circuit: 'damoov', is: 'open', reason: '503' } },
      50,
      'Damoov is away',
    ],
    [
      { is: 'circuit-changed', change: { circuit: 'damoov', is: 'closed', openForMs: 1 } },
      30,
      'Damoov is back',
    ],
    [
      { is: 'circuit-changed', change: { circuit: 'instance-key:x', is: 'open', reason: '401' } },
      50,
      'credential refused',
    ],
    [
      { is: 'circuit-changed', change: { circuit: 'admin', is: 'closed', openForMs: 1 } },
      30,
      'credential accepted again',
    ],
    [
      { is: 'circuit-changed', change: { circuit: 'deletion-limit', is: 'open', reason: 'many' } },
      50,
      'the deletion limit holds',
    ],
    [{ is: 'rate-lowered', ratePerS: 2, pausedForMs: 10 }, 40, 'Damoov answers 429'],
    [{ is: 'redis-lost', reason: 'ECONNREFUSED' }, 50, 'Redis is away: the worker waits for it'],
    [{ is: 'redis-lost', reason: 'WRONGPASS' }, 50, 'Redis refuses the user or password: the worker waits'],
    [{ is: 'redis-ready' }, 30, 'connected to Redis'],
    [{ is: 'traces-lost', reason: 'OTLPExporterError' }, 40, 'the receiver refuses traces'],
    [{ is: 'traces-ready' }, 30, 'the receiver accepts traces again'],
    [{ is: 'queue-faulty', error: new Error('no') }, 50, 'the queue reports a fault'],
    [{ is: 'stopped-uncleanly', error: new Error('no') }, 40, 'a part did not stop cleanly'],
  ])('has one line for a change of state: %j', async ([notification, level, msg]) => {
    const { emit, told } = await openLog();
    emit(notification);
    expect(told()).toEqual([expect.objectContaining({ level, msg: expect.stringContaining(msg) })]);
  });

  it('logs the code of an error of Redis, and never the command it quotes', async () => {
    const redis = new Redis(inject('redisUrl'));
    onTestFinished(() => redis.disconnect());
    const mark = 'marked@example.com';
    const error: Error = await redis.call('NO-SUCH-COMMAND', mark).then(
      () => new Error('it was carried out'),
      (thrown) => thrown,
    );
    expect(JSON.stringify(error) + error.message).toContain(mark);
    expect(describeError(error)).toEqual({ error: 'ReplyError', reason: 'ERR' });
    const { log, lines } = await openLog();
    log.error({ err: error, deep: { error } }, 'as a careless line would have it');
    expect(JSON.stringify(lines)).not.toContain(mark);
  });

  it.for([
    ['a parser', () => JSON.parse('marked {')],
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what a library does with the options of a foreign job
    ['the language', () => 'x' in ('marked' as unknown as object)],
    [
      'one that passes another on',
      () => {
        throw new Error('could not go on: "marked" is no date');
      },
    ],
  ] as const)('logs no words of an error that quotes a job: of %s', ([, fail]) => {
    let error = new Error('nothing was thrown');
    try {
      fail();
    } catch (thrown) {
      if (thrown instanceof Error) error = thrown;
    }
    expect(error.message).toContain('marked');
    expect(JSON.stringify(describeError(error))).not.toContain('marked');
    expect(describeError(error).error).toMatch(/^(SyntaxError|TypeError|Error)\b/);
  });

  it('logs a wait at debug level, and as an error if its outcome could not be stored', async () => {
    const { lines, wait } = await openLog();
    wait({ status: 'wait', reason: 'no such user yet', delayMs: 1 });
    wait({ status: 'wait', reason: 'no such user yet', delayMs: 1 }, { isFault: true });
    expect(lines.map(({ level }) => level)).toEqual([20, 50]);
  });

  it('logs an incomplete done job as an error, and so a fault that costs an attempt', async () => {
    const { lines, run } = await openLog();
    const outcome: Settled = { status: 'done', type: 'user.deleted', existed: true, verified: true };
    run({ next: 'complete', outcome, event: settled(outcome), fault: 'no receipt could be written: Error' });
    run({ next: 'retry', outcome, delayMs: 1, reason: 'unexpected TypeError', isFault: true });
    expect(lines).toMatchObject([
      { level: 50, msg: 'job done', fault: 'no receipt could be written: Error' },
      { level: 50, msg: 'job runs again later', reason: 'unexpected TypeError' },
    ]);
  });

  it('is readable on a terminal, and as blank there', async () => {
    const terminal = new PassThrough();
    const log = await createLog('info', true, terminal);
    log.warn({ jobId: 'j-1', profile: { firstName: 'Ada' } }, 'job failed');
    const line = String(terminal.read());
    expect(line).toMatch(/^\S*\[?\d\d:\d\d:\d\d.*WARN.*job failed.*j-1.*\n$/);
    expect(line).not.toContain('Ada');
  });
});
