import { describe, expect, it } from 'vitest';
import type { UpdateUserJob, UserJob } from '../../src/contract/job.ts';
import { type Outcome, failed } from '../../src/contract/outcome.ts';
import { type DamoovErrorKind, type DamoovOperation, DamoovError } from '../../src/damoov/errors.ts';
import type { UserRecord } from '../../src/operations/context.ts';
import { type End, leaveOpen } from '../../src/lifecycle/open-ends.ts';

const NOW = 5000;
const VERSION = '100 0 job';
const ADDRESS = { clientId: 'c-1', instance: 'default' };
const JOBS = {
  create: { name: 'create-user', data: { ...ADDRESS, createAccessToken: false, profile: {} } },
  update: { name: 'update-user', data: { ...ADDRESS, changes: { phone: '1' } } },
  delete: { name: 'delete-user', data: ADDRESS },
  move: { name: 'move-user', data: { ...ADDRESS, toInstance: 'other' } },
} satisfies Record<string, UserJob>;

const RETRY: Outcome = { status: 'retry', reason: 'x' };
const WAIT: Outcome = { status: 'wait', reason: 'x', delayMs: 1 };
const DONE: Outcome = { status: 'superseded', by: 'x' };
const FAILED = failed('rejected', 'x');
const SPENT = failed('retries-exhausted', 'x');

const error = (operation: DamoovOperation, kind: DamoovErrorKind = 'timeout') =>
  new DamoovError({ operation, kind, wasSent: true });

/** What is remembered after a run that ended so. */
function after(job: keyof typeof JOBS, end: Partial<End>, known: Partial<UserRecord> = {}): UserRecord {
  const record: UserRecord = { generation: 0, state: 'unknown', isInDoubt: false, fields: {}, ...known };
  return leaveOpen(JOBS[job], VERSION, record, { outcome: RETRY, isAuthorized: false, ...end }, NOW).record;
}

describe('a create', () => {
  it.each([
    ['that nobody answered', error('create'), true],
    ['that was refused', error('create', 'rejected'), false],
    ['that failed in a look-up', error('find'), false],
    ['that failed in a way that nobody foresaw', new TypeError('x'), true],
    ['that only waits', undefined, false],
  ])('%s leaves doubt: %s', (_what, error, isInDoubt) => {
    expect(after('create', { error }).isInDoubt).toBe(isInDoubt);
  });

  it('takes no doubt away that was there before', () => {
    expect(after('create', { error: error('find') }, { isInDoubt: true }).isInDoubt).toBe(true);
  });

  it('that came to an end leaves the doubt that it has recordUpdate of', () => {
    const record: UserRecord = { generation: 1, state: 'live', isInDoubt: false, fields: {} };
    const end = { outcome: DONE, recordUpdate: { record } };
    expect(after('create', end, { isInDoubt: true })).toMatchObject({ isInDoubt: false, generation: 1 });
  });

  it('that goes on is pending, the newest of several; one that is over is not', () => {
    expect(after('create', { outcome: WAIT }).pending).toBe(VERSION);
    expect(after('create', { outcome: WAIT }, { pending: '99 0 other' }).pending).toBe(VERSION);
    expect(after('create', { outcome: WAIT }, { pending: '101 0 other' }).pending).toBe('101 0 other');
    expect(after('create', { outcome: DONE }, { pending: VERSION }).pending).toBeUndefined();
    expect(after('create', { outcome: FAILED }, { pending: '99 0 other' }).pending).toBeUndefined();
    expect(after('create', { outcome: DONE }, { pending: '101 0 other' }).pending).toBe('101 0 other');
  });
});

describe('a deletion', () => {
  it.each([
    ['that nobody answered', { error: error('delete') }, NOW],
    ['whose confirmation failed', { error: error('find') }, NOW],
    ['that failed in a way that nobody foresaw', { error: new TypeError('x') }, NOW],
    ['that a look-up still shows', {}, NOW],
    ['whose login failed', { error: error('login') }, undefined],
    ['whose refresh failed', { error: error('refresh') }, undefined],
    ['without an admin', { error: error('delete', 'no-admin') }, undefined],
    ['that waits to be confirmed', { outcome: WAIT }, NOW],
    ['that is confirmed', { outcome: DONE }, undefined],
    ['that was refused', { outcome: FAILED }, undefined],
    ['that has spent its attempts unconfirmed', { outcome: SPENT }, 0],
    ['that has spent its attempts on an error', { outcome: SPENT, error: error('delete') }, 0],
  ])('%s may be out since %j', (_what, end, deletingSince) => {
    expect(after('delete', { isAuthorized: true, ...end }).deletingSince).toBe(deletingSince);
  });

  it('that was not let go cannot be out', () => {
    expect(after('delete', { error: error('delete') }).deletingSince).toBeUndefined();
    expect(after('delete', { outcome: SPENT }).deletingSince).toBeUndefined();
  });

  it('that is out stays so until it is confirmed or its job has failed', () => {
    const known = { deletingSince: 1000 };
    expect(after('delete', { outcome: WAIT }, known).deletingSince).toBe(1000);
    expect(after('delete', { outcome: FAILED }, known).deletingSince).toBe(0);
    expect(after('delete', { outcome: DONE }, known).deletingSince).toBeUndefined();
    // One whose job has failed is out as well.
    expect(after('delete', { outcome: WAIT }, { deletingSince: 0 }).deletingSince).toBe(0);
  });
});

it.each([
  ['create', {}],
  ['delete', {}],
  ['move', { mayHaveRenamed: false }],
] as const)('a %s leaves all that it has recordUpdate besides', (job, more) => {
  const record: UserRecord = { generation: 7, state: 'live', userId: 'u-1', isInDoubt: false, fields: {} };
  const recordUpdate = { record, clientId: 'c-1' };
  const ended = { outcome: DONE, isAuthorized: true, recordUpdate };
  expect(leaveOpen(JOBS[job], VERSION, record, ended, NOW)).toEqual({ ...recordUpdate, ...more });
});

it.each([
  ['that nobody answered', { error: error('update') }, true],
  ['that failed in a way that nobody foresaw', { error: new TypeError('x') }, true],
  ['whose look-up failed', { error: error('find') }, false],
  ['that was refused', { error: error('update', 'rejected') }, false],
  ['that waits', { outcome: WAIT }, false],
])('an update %s may have renamed its user: %s', (_what, end, mayHaveRenamed) => {
  const record: UserRecord = { generation: 0, state: 'live', isInDoubt: false, fields: {} };
  const ended = { outcome: FAILED, isAuthorized: false, ...end };
  const rename: UpdateUserJob = {
    name: 'update-user',
    data: { clientId: 'c-1', instance: 'default', changes: { clientId: 'c-2' } },
  };
  const left = leaveOpen(rename, VERSION, { ...record, lastSeenAt: 1 }, ended, NOW);
  // What the user bears has to be looked up then.
  expect(left).toMatchObject({ mayHaveRenamed, record: { lastSeenAt: mayHaveRenamed ? undefined : 1 } });
  expect(leaveOpen(JOBS.update, VERSION, record, ended, NOW)).toMatchObject({ mayHaveRenamed: false });
});

it('an update leaves what it has recordUpdate, and nothing open', () => {
  const known = { pending: '1 0 other', isInDoubt: true, deletingSince: 3 } as const;
  expect(after('update', { error: error('update') }, known)).toMatchObject(known);
  const record: UserRecord = { generation: 0, state: 'live', isInDoubt: false, fields: {} };
  expect(after('update', { outcome: DONE, recordUpdate: { record } }, known)).toBe(record);
});
