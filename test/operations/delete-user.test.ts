import { describe, expect, it } from 'vitest';
import { LOCK_LOST } from '../../src/operations/context.ts';
import { C1, byId, sent, there } from './delete-user-world.ts';
import {
  A,
  B,
  FOREIGN_INSTANCE_ID,
  GAVE_UP,
  HOUR_MS,
  MINUTE_MS,
  NOW,
  OTHER_INSTANCE_ID,
  OURS,
  createOperationWorld,
  derived,
  version,
} from './operation-world.ts';

describe('a deletion', () => {
  it('asks right before whether it may be sent, confirms it, and remembers whom it was', async () => {
    const record = {
      userId: OURS,
      state: 'live',
      fields: { phone: version(-1) },
      lastSeenAt: NOW - 1,
    } as const;
    const world = createOperationWorld({ record, users: there() });
    const { outcome, recordUpdate } = await world.delete(C1);
    expect(world.calls).toEqual([
      'find c-1',
      `authorize c-1 ${OURS} sends`,
      `delete ${OURS}`,
      `find ${OURS}`,
    ]);
    expect(outcome).toEqual({
      status: 'done',
      type: 'user.deleted',
      userId: OURS,
      existed: true,
      verified: true,
      executedAt: NOW,
      confirmedAt: NOW,
    });
    expect(recordUpdate).toEqual({
      clientId: 'c-1',
      record: {
        userId: OURS,
        state: 'deleted',
        generation: 0,
        isInDoubt: false,
        lastSeenAt: undefined,
        deleted: `${NOW} 0 job`,
        fields: {},
      },
    });
  });

  it('remembers which of its sign-up’s users it was, also where nobody told of it', async () => {
    const userId = derived('c-1', 2);
    for (const generation of [0, 1, 2]) {
      const world = createOperationWorld({ record: { userId, generation }, users: there(userId) });
      expect((await world.delete(C1)).recordUpdate?.record.generation).toBe(2);
    }
    // Too far ahead to be looked for: at least it is none that was there before.
    const far = derived('c-1', 3);
    const unknown = createOperationWorld({ record: { userId: far, state: 'deleted' }, users: there(far) });
    expect((await unknown.delete(C1)).recordUpdate?.record.generation).toBe(1);
  });

  it('of a newer deletion’s user keeps the newer version', async () => {
    const world = createOperationWorld({ record: { userId: A, deleted: version(9) }, users: there(A) });
    expect((await world.delete(byId(A))).recordUpdate?.record.deleted).toBe(version(9));
  });

  it.each([
    ['cancelled', { status: 'superseded', by: 'cancellation', userId: OURS }],
    ['returned', { status: 'superseded', by: 'create', userId: OURS }],
    ['held', { status: 'held', circuit: 'deletion-limit' }],
  ] as const)('that is told “%s” is not sent', async (authorize, outcome) => {
    const world = createOperationWorld({ authorize, users: there() });
    expect((await world.delete(byId(OURS))).outcome).toMatchObject(outcome);
    expect(sent(world.calls)).toEqual([]);
  });

  it('under a clientId that its user has given up since goes to that user', async () => {
    const record = { formerUserId: A, state: 'deleted', deleted: version(1) } as const;
    const others = { [A]: { userId: A, state: 'live' } } as const;
    const world = createOperationWorld({ record, others, users: there(A, 'new') });
    const { outcome } = await world.delete(C1);
    expect(outcome).toMatchObject({ type: 'user.deleted', userId: A, existed: true, verified: true });
    expect(world.calls).toEqual([
      `find ${A}`,
      `lock ${A}`,
      `authorize new ${A} sends`,
      `delete ${A}`,
      `find ${A}`,
    ]);
  });

  it('of a user that got its clientId lately waits while a look-up shows an earlier one', async () => {
    const record = { userId: A, state: 'live', created: version(-HOUR_MS) } as const;
    const users = there(A, 'before');
    const lately = { ...record, fields: { clientId: version(-1) } };
    const waits = createOperationWorld({ record: lately, users });
    expect((await waits.delete(C1)).outcome).toMatchObject({ status: 'wait', delayMs: 1000 });
    const longAgo = { ...record, fields: { clientId: version(-15 * MINUTE_MS) } };
    const fails = createOperationWorld({ record: longAgo, users });
    expect((await fails.delete(C1)).outcome).toMatchObject({ code: 'user-mismatch', userId: A });
    expect(sent([...waits.calls, ...fails.calls])).toEqual([]);
  });

  it('whose job is another run’s is not sent', async () => {
    const world = createOperationWorld({ authorize: LOCK_LOST, users: there() });
    expect(await world.delete(byId(OURS))).toEqual(GAVE_UP);
    expect(sent(world.calls)).toEqual([]);
  });
});

describe('a deletion that something newer is known of', () => {
  it('is superseded by a newer sign-up', async () => {
    const world = createOperationWorld({ record: { created: version(1), userId: OURS }, users: there() });
    const superseded = { outcome: { status: 'superseded', by: 'create', userId: OURS } };
    expect(await world.delete(C1)).toEqual(superseded);
    expect(world.calls).toEqual([]);
  });

  it('is sent where the sign-up is older, or of another user than the job names', async () => {
    const older = createOperationWorld({ record: { created: version(-1), userId: OURS }, users: there() });
    expect((await older.delete(C1)).outcome).toMatchObject({ existed: true });
    const record = { created: version(1), pending: version(1), userId: OURS, fields: { phone: version(1) } };
    const other = createOperationWorld({ record, users: [...there(), ...there(A)] });
    const { outcome, recordUpdate } = await other.delete(byId(A));
    expect(outcome).toMatchObject({ userId: A, existed: true });
    // The record describes another user.
    expect(recordUpdate).toBeUndefined();
  });

  it('waits while a newer sign-up goes on, unless it may have been sent already', async () => {
    const waits = createOperationWorld({ record: { pending: version(1) }, users: there() });
    expect((await waits.delete(C1)).outcome).toMatchObject({ status: 'wait', delayMs: 5000 });
    expect(waits.calls).toEqual([]);
    const older = createOperationWorld({ record: { pending: version(-1) }, users: there() });
    expect((await older.delete(C1)).outcome).toMatchObject({ status: 'done' });
    const record = { pending: version(1), deletingSince: NOW - 1 };
    const wasSent = createOperationWorld({ record, users: there() });
    expect((await wasSent.delete(C1)).outcome).toMatchObject({ status: 'done' });
  });

  it('waits for a sign-up of which only newer values are known, unless it may have been sent already', async () => {
    const record = { state: 'live', userId: A, fields: { phone: version(1) } } as const;
    const waits = createOperationWorld({ record, users: there(A) });
    expect((await waits.delete(C1)).outcome).toMatchObject({ status: 'wait', delayMs: 2000 });
    expect(waits.calls).toEqual([]);
    const wasSent = createOperationWorld({ record: { ...record, deletingSince: NOW - 1 }, users: there(A) });
    expect((await wasSent.delete(C1)).outcome).toMatchObject({ status: 'done' });
  });

  it('deletes nobody who has got the clientId since', async () => {
    const record = { fields: { clientId: version(1) }, userId: A };
    const world = createOperationWorld({ record, users: there(A) });
    expect((await world.delete(C1)).outcome).toMatchObject({ code: 'user-mismatch', userId: A });
    expect(world.calls).toEqual([]);
    // Who names the user by its id means this one.
    const named = createOperationWorld({ record, users: there(A), ageMs: 6 * MINUTE_MS });
    expect((await named.delete(byId(A))).outcome).toMatchObject({ existed: true });
  });

  it.each([
    ['waits for a sign-up that may come', 5 * MINUTE_MS - 1, 'wait'],
    ['waits five minutes at the most', 5 * MINUTE_MS, 'done'],
  ])('by newer values %s', async (_title, ageMs, status) => {
    const record = { fields: { phone: version(1) }, userId: OURS };
    const world = createOperationWorld({ record, users: there(), ageMs });
    expect((await world.delete(C1)).outcome.status).toBe(status);
  });

  it('does not wait for values that are older', async () => {
    const record = { fields: { phone: version(-1) }, userId: OURS };
    const world = createOperationWorld({ record, users: there() });
    expect((await world.delete(C1)).outcome.status).toBe('done');
  });
});

describe('a deletion by both ids', () => {
  it('deletes the user to whom both belong', async () => {
    const world = createOperationWorld({ record: { userId: A }, users: there(A) });
    expect((await world.delete(byId(A, 'c-1'))).outcome).toMatchObject({ userId: A, existed: true });
  });

  it('finds that user also where only the second look-up shows it', async () => {
    const world = createOperationWorld({ record: { userId: A }, users: there(A), lag: 1 });
    expect((await world.delete(byId(A.toUpperCase(), 'c-1'))).outcome).toMatchObject({ existed: true });
  });

  it.each([
    ['the user has another clientId', there(A, 'c-2'), 'this user has another clientId'],
    ['the user has none', [{ userId: A }], 'this user has another clientId'],
    ['the clientId is another’s', there(B), `the clientId belongs to user ${B}`],
  ])('deletes nobody where %s', async (_title, users, message) => {
    const world = createOperationWorld({ users: [...users] });
    const { outcome, recordUpdate } = await world.delete(byId(A, 'c-1'));
    expect(outcome).toEqual({ status: 'failed', code: 'user-mismatch', message, userId: A });
    expect(recordUpdate).toBeUndefined();
    expect(world.users).toHaveLength(1);
  });
});

describe('a deletion by clientId', () => {
  it('is left to a person where several users bear it', async () => {
    const world = createOperationWorld({ users: [...there(A), ...there(B)] });
    expect((await world.delete(C1)).outcome).toMatchObject({ code: 'ambiguous-client-id' });
    expect(world.users).toHaveLength(2);
  });

  it('takes nobody whose clientId differs in its letters', async () => {
    const world = createOperationWorld({ users: there(A, 'C-1') });
    expect((await world.delete(C1)).outcome).toMatchObject({ existed: false });
    expect(world.users).toHaveLength(1);
  });

  it.each([
    [
      'is configured',
      OTHER_INSTANCE_ID,
      `user ${A} is in instance "other": name that instance, or the userId`,
    ],
    [
      'is not',
      FOREIGN_INSTANCE_ID,
      `user ${A} is in instance ${FOREIGN_INSTANCE_ID}, which is not configured`,
    ],
  ])(
    'takes nobody of another instance that %s, and says where the user is',
    async (_title, instanceId, message) => {
      const world = createOperationWorld({
        ageMs: 5 * MINUTE_MS,
        users: [{ userId: A, clientId: 'c-1', instanceId }],
      });
      const { outcome, recordUpdate } = await world.delete(C1);
      expect(outcome).toEqual({ status: 'failed', code: 'other-instance', message, userId: A });
      expect([recordUpdate, world.users.length]).toEqual([undefined, 1]);
    },
  );

  it('takes a user of whom no instance is told', async () => {
    const here = { instanceId: '11111111-1111-4111-8111-111111111111' };
    const ours = createOperationWorld({ users: [{ userId: A, clientId: 'c-1', ...here }] });
    expect((await ours.delete(C1)).outcome).toMatchObject({ existed: true });
  });

  it('of a user whom we know under another name holds that one, too, before it deletes', async () => {
    const others = { [A]: { generation: 4, created: version(-1) } };
    const world = createOperationWorld({ record: { userId: B }, users: there(A), others });
    const { outcome, recordUpdate } = await world.delete(C1);
    expect(world.calls.slice(0, 3)).toEqual(['find c-1', `lock ${A}`, `authorize c-1 ${A} sends`]);
    expect(outcome).toMatchObject({ userId: A, existed: true });
    expect(recordUpdate).toMatchObject({
      clientId: 'c-1',
      record: { userId: A, generation: 4, state: 'deleted' },
    });
  });

  it('ends where that user is another job’s, or has signed up since', async () => {
    const held = createOperationWorld({ users: there(A), others: { [A]: LOCK_LOST } });
    expect(await held.delete(C1)).toEqual(GAVE_UP);
    const returned = createOperationWorld({ users: there(A), others: { [A]: { created: version(1) } } });
    const superseded = { outcome: { status: 'superseded', by: 'create', userId: A } };
    expect(await returned.delete(C1)).toEqual(superseded);
    expect([...sent(held.calls), ...sent(returned.calls)]).toEqual([]);
  });
});
