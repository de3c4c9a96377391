import { describe, expect, it } from 'vitest';
import { type Outcome, FAILURE_CODES, failed, failureIn, isSettled } from '../../src/contract/outcome.ts';

const userId = '0e8f8b1c-6d0b-4b7e-9c3a-0a1b2c3d4e5f';

describe('an outcome', () => {
  it.each<Outcome>([
    { status: 'done', type: 'user.updated', userId, changed: [] },
    { status: 'superseded', by: 'a newer update' },
    failed('rejected', 'Damoov says no'),
  ])('with status $status ends the job', (outcome) => expect(isSettled(outcome)).toBe(true));

  it.each<Outcome>([
    { status: 'retry', reason: 'a timeout' },
    { status: 'wait', reason: 'another job of the user runs', delayMs: 100 },
    { status: 'held', circuit: 'damoov', reason: 'Damoov is away' },
  ])('with status $status does not end the job', (outcome) => expect(isSettled(outcome)).toBe(false));
});

describe('the reason of a failed job', () => {
  it.each(FAILURE_CODES)('with code %s has its code and its message, colons and all', (code) => {
    expect(failureIn(`${code}: Damoov says: no`)).toEqual({ code, message: 'Damoov says: no' });
  });

  it.each([
    '',
    'Missing lock for job 7',
    'TypeError: no such user',
    'it was rejected: no',
    'rejected',
    'rejected!',
  ])('is unknown if it is %j, which no worker of ours writes', (reason) =>
    expect(failureIn(reason)).toBeUndefined(),
  );
});
