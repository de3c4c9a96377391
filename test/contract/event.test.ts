import { describe, expect, it } from 'vitest';
import {
  type EventContext,
  UserEvent,
  eventOf,
  eventSource,
  readEvent,
  readResult,
  withoutTokens,
} from '../../src/contract/event.ts';
import { type Settled, failed } from '../../src/contract/outcome.ts';

const userId = '0e8f8b1c-6d0b-4b7e-9c3a-0a1b2c3d4e5f';
const context: EventContext = {
  source: '/damoov-users/damoov/user-jobs',
  timestamp: 1795878932453,
  jobId: '1234',
  operation: 'create-user',
  instance: 'default',
  clientId: 'client-1',
  correlationId: 'r-1',
  attempts: 2,
  now: Date.UTC(2026, 0, 2),
};

const outcomes: [string, Settled][] = [
  [
    'user.created',
    { status: 'done', type: 'user.created', userId, existed: false, accessToken: 'a', refreshToken: 'r' },
  ],
  ['user.updated', { status: 'done', type: 'user.updated', userId, changed: ['phone'] }],
  ['user.deleted', { status: 'done', type: 'user.deleted', userId, existed: true, verified: true }],
  ['user.moved', { status: 'done', type: 'user.moved', userId, fromInstance: 'default', toInstance: 'eu' }],
  ['user.superseded', { status: 'superseded', userId, by: 'a newer update' }],
  ['user.failed', failed('rejected', 'Damoov says no', userId)],
];

describe('an event', () => {
  it.each(outcomes)('%s is what the schema says', (type, outcome) => {
    const event = eventOf(outcome, context);
    expect(UserEvent.parse(event)).toEqual(event);
    expect(event).toMatchObject({
      type,
      id: `1234/1795878932453/${type}`,
      source: '/damoov-users/damoov/user-jobs',
      subject: userId,
      data: { userId, jobId: '1234' },
    });
  });

  it('bears the same id again when it is made again later', () => {
    const [, outcome] = outcomes[0] ?? [];
    if (outcome === undefined) throw new Error('no outcome');
    expect(eventOf(outcome, { ...context, now: context.now + 1, attempts: 9 }).id).toBe(
      eventOf(outcome, context).id,
    );
  });

  it('bears another id than the event of a job that had its id before, or has it elsewhere', () => {
    const [, outcome] = outcomes[0] ?? [];
    if (outcome === undefined) throw new Error('no outcome');
    const contexts = [
      context,
      { ...context, timestamp: context.timestamp + 1 },
      { ...context, source: eventSource('{us}', 'user-jobs') },
      { ...context, source: eventSource('{damoov}', 'other-jobs') },
    ];
    const events = contexts.map((each) => eventOf(outcome, each)).map(({ source, id }) => `${source} ${id}`);
    expect(new Set(events).size).toBe(contexts.length);
  });

  it.each([
    ['{damoov}', 'user-jobs', '/damoov-users/damoov/user-jobs'],
    ['eu', 'jobs of Ä', '/damoov-users/eu/jobs%20of%20%C3%84'],
  ])('of the prefix %s and the queue %s has a source that is a URI reference', (prefix, queue, source) => {
    expect(eventSource(prefix, queue)).toBe(source);
  });

  it('says existed only of a user that existed', () => {
    const created = (existed: boolean) =>
      eventOf({ status: 'done', type: 'user.created', userId, existed }, context);
    expect(created(true).data).toMatchObject({ existed: true });
    expect(created(false).data).not.toHaveProperty('existed');
  });

  it('of a job that could not be read has no user and no empty fields', () => {
    const event = eventOf(failed('invalid-job', 'the data is not JSON'), {
      source: '/damoov-users/damoov/user-jobs',
      timestamp: 1795878932453,
      jobId: '7',
      operation: 'unknown',
      instance: 'default',
      attempts: 1,
      now: 0,
    });
    expect(UserEvent.parse(event)).toEqual(event);
    expect(event).not.toHaveProperty('subject');
    expect(Object.keys(event.data).sort()).toEqual([
      'attempts',
      'code',
      'instance',
      'jobId',
      'message',
      'operation',
    ]);
  });

  it('names the user that the job named if the outcome knows none, and else the one of the outcome', () => {
    const named = { ...context, userId: '11111111-1111-4111-8111-111111111111' };
    const unknown = eventOf(failed('user-not-found', 'no such user'), named);
    expect(unknown).toMatchObject({ subject: named.userId, data: { userId: named.userId } });
    const known = eventOf(failed('rejected', 'no', userId), named);
    expect(known).toMatchObject({ subject: userId, data: { userId } });
  });

  it('with a field that the schema does not know is refused', () => {
    const event = eventOf(failed('rejected', 'no', userId), context);
    expect(UserEvent.safeParse({ ...event, data: { ...event.data, extra: 1 } }).success).toBe(false);
  });
});

describe.each(outcomes)('a reader of %s', (_type, outcome) => {
  const event = eventOf(outcome, context);
  const result = { type: event.type, data: event.data };

  it('takes it as it was made', () => {
    expect(readEvent(event)).toEqual(event);
    expect(readResult(result)).toEqual(result);
  });

  it('takes what a later version adds', () => {
    const data = { ...event.data, added: 1 };
    expect(readEvent({ ...event, data, traceparent: 't' })).toEqual({ ...event, data, traceparent: 't' });
    expect(readResult({ ...result, data })).toEqual({ ...result, data });
  });

  it('refuses it if a field is missing or wrong, whatever else is added', () => {
    const { instance: _, ...data } = event.data;
    expect(readEvent({ ...event, data: { ...data, added: 1 } })).toBeUndefined();
    expect(readEvent({ ...event, source: 'another', added: 1 })).toBeUndefined();
    expect(readResult({ ...result, data })).toBeUndefined();
  });
});

it.each([undefined, null, 'text', [], {}, { type: 'user.moved', data: {} }])(
  'a reader of events refuses %j',
  (data) => {
    expect(readEvent(data)).toBeUndefined();
    expect(readResult(data)).toBeUndefined();
  },
);

describe('the return value of a job', () => {
  const data = { userId: '0d9c1f0e-5c1b-4a5e-9d58-5a1f4f1f7a10', instance: 'default', jobId: '1' };

  it('has no token, and all else', () => {
    expect(withoutTokens({ ...data, existed: true, accessToken: 'a', refreshToken: 'r' })).toEqual({
      ...data,
      existed: true,
    });
    expect(withoutTokens({ ...data, refreshToken: 'r' })).toEqual(data);
    expect(withoutTokens(data)).toEqual(data);
  });
});
