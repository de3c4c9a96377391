import { ReplyError } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { type FaultyEvent, createQueueFaults } from '../../src/client/queue-faults.ts';

function createFaults() {
  const told: [string, FaultyEvent | undefined][] = [];
  const faults = createQueueFaults((error, event) => {
    told.push([error instanceof Error ? `${error.name}: ${error.message}` : '', event]);
  });
  return { faults, told, names: () => told.map(([text]) => text.split(':', 1)[0]) };
}

const EVENT = { id: '7/1/user.created', type: 'user.created', isGivenUp: false };
const refusal = (text: string) => new ReplyError(text);

describe('a lost delivery', () => {
  it.each([
    'could not renew lock for job 7/1:x.y',
    'Missing lock for job 7/1:x.y. moveToFinished',
    'Missing key for job 7/1:x.y. moveToDelayed',
    'Lock mismatch for job 7/1:x.y. Cmd moveToFinished from active',
    'Job 7/1:x.y is not in the active state. moveToFinished',
  ])('is told with its event, of "%s"', (message) => {
    const { faults, told } = createFaults();
    faults.begin('7/1:x.y', EVENT);
    faults.report(new Error(message));
    faults.report(new Error(message));
    expect(told).toEqual([[expect.stringMatching(/^DeliveryLostError: the delivery may/), EVENT]]);
    expect(told[0]?.[0]).not.toContain('7/1:x.y');
  });

  it('is told once, however often the queue comes back to it, and again of the next delivery', () => {
    const { faults, names } = createFaults();
    for (let n = 1; n <= 2; n += 1) {
      faults.begin('7', EVENT);
      faults.lose(['7']);
      faults.report(new Error('could not renew lock for job 7'));
      faults.report(new Error('Missing lock for job 7. moveToFinished'));
      faults.report(new Error('Missing lock for job 7. moveToFinished'));
      expect(names()).toEqual(Array.from({ length: n }, () => 'DeliveryLostError'));
    }
  });

  it('is none where the event is dealt with', () => {
    const { faults, told } = createFaults();
    faults.begin('7', EVENT);
    faults.forget('7');
    faults.lose(['7']);
    faults.report(new Error('could not renew lock for job 7'));
    expect(told).toEqual([]);
  });
});

describe('a fault of Redis', () => {
  it('is told once while it lasts, and again where another job has come between', () => {
    const { faults, names } = createFaults();
    faults.report(refusal('NOPERM no permission'));
    faults.report(refusal('NOPERM no permission'));
    faults.report(refusal('OOM command not allowed'));
    faults.begin('7', EVENT);
    faults.report(refusal('OOM command not allowed'));
    expect(names()).toEqual(['RedisRefusedError', 'RedisRefusedError', 'RedisRefusedError']);
  });

  it('that is a lost connection is left to the connection', () => {
    const { faults, told } = createFaults();
    faults.report(new Error('Connection is closed.'));
    expect(told).toEqual([]);
  });

  it('that nobody knows is told as it is', () => {
    const { faults, told } = createFaults();
    faults.report(new Error('something else'));
    expect(told).toEqual([['Error: something else', undefined]]);
  });
});
