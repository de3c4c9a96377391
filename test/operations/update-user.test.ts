import { describe, expect, it } from 'vitest';
import type { DamoovUser } from '../../src/damoov/wire.ts';
import { type UserRecord, LOCK_LOST } from '../../src/operations/context.ts';
import {
  A,
  B,
  FOREIGN_INSTANCE_ID,
  GAVE_UP,
  MINUTE_MS,
  NOW,
  OTHER_INSTANCE_ID,
  createOperationWorld,
  version,
} from './operation-world.ts';

const C1 = { clientId: 'c-1', instance: 'default' };
const ID = { userId: A, instance: 'default' };
const PHONE = { changes: { phone: '1' } };
const live = { state: 'live', userId: A } as const;
const there = () => [{ userId: A, clientId: 'c-1' }];
const updated = (userId: string, ...changed: string[]) => ({
  status: 'done',
  type: 'user.updated',
  userId,
  changed,
});
const written = `${NOW} 0 job`;

describe('an update of a remembered user', () => {
  it('is sent once the instance of the user is seen, reports the changed names, and records the time', async () => {
    const world = createOperationWorld({
      record: { ...live, fields: { email: version(-1) } },
      users: there(),
    });
    const { outcome, recordUpdate } = await world.update({ ...C1, changes: { phone: '1', nickname: null } });
    expect(world.calls).toEqual([`find ${A}`, `update ${A}`]);
    expect(world.sent.update).toEqual([{ phone: '1', nickname: null }]);
    expect(outcome).toEqual(updated(A, 'nickname', 'phone'));
    expect(recordUpdate).toEqual({
      clientId: 'c-1',
      record: {
        ...live,
        generation: 0,
        isInDoubt: false,
        fields: { email: version(-1), phone: written, nickname: written },
      },
    });
  });

  it('sends only what nothing newer is known of', async () => {
    const world = createOperationWorld({
      record: { ...live, fields: { phone: version(1) } },
      users: there(),
    });
    const { outcome } = await world.update({ ...C1, changes: { phone: '1', email: 'a@b' } });
    expect([world.sent.update, outcome]).toEqual([[{ email: 'a@b' }], updated(A, 'email')]);
  });

  it('is superseded where all of it is older, or the user was deleted since', async () => {
    const values = createOperationWorld({ record: { ...live, fields: { phone: version(1) } } });
    const older = { outcome: { status: 'superseded', by: 'newer values', userId: A } };
    expect(await values.update({ ...C1, ...PHONE })).toEqual(older);
    const gone = createOperationWorld({ record: { ...live, deleted: version(1) } });
    const deleted = { outcome: { status: 'superseded', by: 'deletion', userId: A } };
    expect(await gone.update({ ...C1, ...PHONE })).toEqual(deleted);
    expect([...values.calls, ...gone.calls]).toEqual([]);
  });

  it('waits while a deletion goes on, and for the next sign-up after one', async () => {
    const goesOn = createOperationWorld({ record: { ...live, deletingSince: NOW - 1 }, users: there() });
    expect((await goesOn.update({ ...C1, ...PHONE })).outcome).toMatchObject({ status: 'wait' });
    const record = { state: 'deleted', userId: A, deleted: version(-1) } as const;
    const gone = createOperationWorld({ record, users: there() });
    expect((await gone.update({ ...C1, ...PHONE })).outcome).toMatchObject({
      status: 'wait',
      reason: 'no such user yet',
    });
    expect([...goesOn.calls, ...gone.calls]).toEqual([]);
  });

  it('who is gone asks once who bears the clientId now', async () => {
    const world = createOperationWorld({ record: live, users: [{ userId: B, clientId: 'c-1' }] });
    const { outcome, recordUpdate } = await world.update({ ...C1, ...PHONE });
    expect(world.calls).toEqual([`find ${A}`, `update ${A}`, 'find c-1', `lock ${B}`, `update ${B}`]);
    expect(outcome).toEqual(updated(B, 'phone'));
    expect(recordUpdate?.record).toMatchObject({ userId: B, state: 'live' });
  });

  it('who is gone, with nobody in its place, is waited for', async () => {
    const world = createOperationWorld({ record: live });
    expect((await world.update({ ...C1, ...PHONE })).outcome).toMatchObject({ status: 'wait' });
    // Look-ups may still show the one that is gone.
    const shown = createOperationWorld({ record: live, users: there() });
    shown.fails('update', 'not-found');
    expect((await shown.update({ ...C1, ...PHONE })).outcome).toMatchObject({ status: 'wait' });
    expect(shown.calls).toEqual([`find ${A}`, `update ${A}`, 'find c-1']);
  });

  it.each([OTHER_INSTANCE_ID, FOREIGN_INSTANCE_ID])(
    'by its clientId, who was moved to %s, is not sent',
    async (instanceId) => {
      const world = createOperationWorld({
        record: live,
        users: [{ userId: A, clientId: 'c-1', instanceId }],
      });
      const { outcome } = await world.update({ ...C1, ...PHONE });
      expect(outcome).toMatchObject({ code: 'other-instance', userId: A });
      expect(world.calls).toEqual([`find ${A}`]);
    },
  );

  it('by its id, who was moved, is sent if that instance is configured', async () => {
    for (const instanceId of [OTHER_INSTANCE_ID, FOREIGN_INSTANCE_ID]) {
      const world = createOperationWorld({
        record: live,
        users: [{ userId: A, clientId: 'c-1', instanceId }],
      });
      const { outcome } = await world.update({ ...ID, ...PHONE });
      const isConfigured = instanceId === OTHER_INSTANCE_ID;
      expect(outcome).toMatchObject(
        isConfigured ? updated(A, 'phone') : { code: 'other-instance', userId: A },
      );
      expect(world.sent.update).toHaveLength(isConfigured ? 1 : 0);
    }
  });

  it('by its id, who is gone, asks for nobody else', async () => {
    const world = createOperationWorld({ record: live, users: [{ userId: B, clientId: 'c-1' }] });
    expect((await world.update({ ...C1, userId: A, ...PHONE })).outcome).toMatchObject({ status: 'wait' });
    expect(world.calls).toEqual([`find ${A}`, `update ${A}`]);
  });

  it.each(['rejected', 'forbidden', 'timeout'] as const)('that ends as %s is thrown', async (kind) => {
    const world = createOperationWorld({ record: live, users: there() });
    world.fails('update', kind);
    await expect(world.update({ ...C1, ...PHONE })).rejects.toMatchObject({ kind });
  });
});

it('an error of the session on the way does not mean that the user is gone', async () => {
  const world = createOperationWorld({ record: live, users: there() });
  world.fails('update', 'not-found', { on: 'login' });
  await expect(world.update({ ...C1, ...PHONE })).rejects.toMatchObject({ operation: 'login' });
  expect(world.calls).toEqual([`find ${A}`, `update ${A}`]);
});

describe('an update of nobody known', () => {
  it('finds the user by its clientId, holds it, and remembers it', async () => {
    const others = { [A]: { generation: 2, fields: { email: version(-1) } } };
    const world = createOperationWorld({ users: there(), others });
    const { outcome, recordUpdate } = await world.update({ ...C1, ...PHONE });
    expect(world.calls).toEqual(['find c-1', `lock ${A}`, `update ${A}`]);
    expect(outcome).toEqual(updated(A, 'phone'));
    expect(recordUpdate).toMatchObject({
      clientId: 'c-1',
      record: { userId: A, state: 'live', generation: 2 },
    });
  });

  it('heeds what is known of the user under its id', async () => {
    const others = { [A]: { fields: { phone: version(1) } } };
    const world = createOperationWorld({ users: there(), others });
    expect((await world.update({ ...C1, ...PHONE })).outcome).toMatchObject({ by: 'newer values' });
  });

  it('ends where the user is another job’s', async () => {
    const world = createOperationWorld({ users: there(), others: { [A]: LOCK_LOST } });
    expect(await world.update({ ...C1, ...PHONE })).toEqual(GAVE_UP);
    expect(world.sent.update).toEqual([]);
  });

  it('is left to a person where several users bear the clientId', async () => {
    const world = createOperationWorld({ users: [...there(), { userId: B, clientId: 'c-1' }] });
    expect((await world.update({ ...C1, ...PHONE })).outcome).toMatchObject({ code: 'ambiguous-client-id' });
  });

  it('looks an id up that it has never heard of', async () => {
    const world = createOperationWorld({ users: there() });
    const { outcome, recordUpdate } = await world.update({ ...ID, ...PHONE });
    expect(world.calls).toEqual([`find ${A}`, `update ${A}`]);
    expect([outcome, recordUpdate?.clientId]).toEqual([updated(A, 'phone'), 'c-1']);
  });

  it('sends nothing to an id that is not there, or is of another instance', async () => {
    const gone = createOperationWorld();
    expect((await gone.update({ ...ID, ...PHONE })).outcome).toMatchObject({ status: 'wait' });
    const elsewhere = createOperationWorld({ users: [{ userId: A, instanceId: FOREIGN_INSTANCE_ID }] });
    expect((await elsewhere.update({ ...ID, ...PHONE })).outcome).toMatchObject({ code: 'other-instance' });
    expect([...gone.sent.update, ...elsewhere.sent.update]).toEqual([]);
  });

  it('changes a user by its id in another instance that is configured, and by its clientId none', async () => {
    const users = () => [{ userId: A, clientId: 'c-1', instanceId: OTHER_INSTANCE_ID }];
    const byId = createOperationWorld({ users: users() });
    expect((await byId.update({ ...ID, ...PHONE })).outcome).toEqual(updated(A, 'phone'));
    const byClientId = createOperationWorld({ ageMs: 5 * MINUTE_MS, users: users() });
    const { outcome } = await byClientId.update({ ...C1, ...PHONE });
    expect(outcome).toMatchObject({ code: 'other-instance', userId: A });
    expect(byClientId.sent.update).toEqual([]);
  });

  it.each([
    [0, { status: 'wait', delayMs: 1000 }],
    [30_000, { status: 'wait', delayMs: 30_000 }],
    [4 * MINUTE_MS, { status: 'wait', delayMs: MINUTE_MS }],
    [5 * MINUTE_MS - 1, { status: 'wait', delayMs: 1 }],
    [5 * MINUTE_MS, { status: 'failed', code: 'user-not-found' }],
    [-MINUTE_MS, { status: 'wait', delayMs: 1000 }],
  ])('that was added %i ms ago is answered %j', async (ageMs, outcome) => {
    const world = createOperationWorld({ ageMs });
    expect((await world.update({ ...C1, ...PHONE })).outcome).toMatchObject(outcome);
  });

  it('waits for a sign-up of it that goes on, however late, and asks nobody', async () => {
    const world = createOperationWorld({ record: { pending: version(-1) }, ageMs: 5 * MINUTE_MS });
    const { outcome } = await world.update({ ...C1, ...PHONE });
    expect(outcome).toMatchObject({
      status: 'wait',
      reason: 'the user is still being created',
      delayMs: 15_000,
    });
    expect(world.calls).toEqual([]);
  });

  it('waits until look-ups would show whom an unanswered create has made', async () => {
    const before = createOperationWorld({
      record: { isInDoubt: true, doubtSince: NOW - 15 * MINUTE_MS + 1 },
      users: there(),
    });
    expect((await before.update({ ...C1, ...PHONE })).outcome).toMatchObject({ status: 'wait', delayMs: 1 });
    const after = createOperationWorld({
      record: { isInDoubt: true, doubtSince: NOW - 15 * MINUTE_MS },
      users: there(),
    });
    expect((await after.update({ ...C1, ...PHONE })).outcome).toEqual(updated(A, 'phone'));
  });

  it('that is older than the sign-up that goes on looks for a user of before', async () => {
    const world = createOperationWorld({ record: { pending: version(1) }, users: there() });
    expect((await world.update({ ...C1, ...PHONE })).outcome).toEqual(updated(A, 'phone'));
  });
});

describe('an update of another user than the one on record', () => {
  it('looks it up, sends all of it, and remembers nothing of it', async () => {
    const record = { ...live, userId: B, deleted: version(1), fields: { phone: version(1) } };
    const world = createOperationWorld({ record, users: there() });
    const { outcome, recordUpdate } = await world.update({ ...ID, ...PHONE });
    expect(world.calls).toEqual([`find ${A}`, `update ${A}`]);
    expect([outcome, recordUpdate]).toEqual([updated(A, 'phone'), undefined]);
  });

  it('who is not there is waited for', async () => {
    const world = createOperationWorld({ record: { ...live, userId: B } });
    expect((await world.update({ ...ID, ...PHONE })).outcome).toMatchObject({ status: 'wait' });
    expect(world.sent.update).toEqual([]);
  });
});

describe('an update that changes the clientId', () => {
  const rename = { changes: { clientId: 'c-2' } };

  it('records the old one and the new one', async () => {
    const world = createOperationWorld({ record: live, users: there() });
    const { recordUpdate } = await world.update({ ...C1, ...rename });
    expect(recordUpdate).toMatchObject({
      clientId: 'c-1',
      renamedTo: 'c-2',
      record: { fields: { clientId: written } },
    });
    expect(world.calls).toEqual([`find ${A}`, 'lock name c-2', 'find c-2', `update ${A}`]);
  });

  it('by the UserId looks the old one up, before it is lost', async () => {
    const world = createOperationWorld({ record: live, users: there() });
    const { recordUpdate } = await world.update({ ...ID, ...rename });
    expect(world.calls).toEqual([`find ${A}`, 'lock name c-2', 'find c-2', `update ${A}`]);
    expect(recordUpdate).toMatchObject({ clientId: 'c-1', renamedTo: 'c-2' });
  });

  it('by the UserId, and had done so in a run whose reply was lost, records the new one', async () => {
    const world = createOperationWorld({ record: live, users: [{ userId: A, clientId: 'c-2' }] });
    const { recordUpdate } = await world.update({ ...ID, ...rename });
    expect(recordUpdate).toMatchObject({ clientId: undefined, renamedTo: 'c-2' });
  });

  const taken = { code: 'client-id-taken', message: `user ${B} has the clientId that user ${A} was to get` };

  it.each([
    ['that another user bears at Damoov', { users: [...there(), { userId: B, clientId: 'c-2' }] }],
    [
      'of a user that we know, who bears none there',
      { users: [...there(), { userId: B }], names: { 'c-2': { state: 'live', userId: B } } },
    ],
    [
      'of a user that was made lately, and is not seen yet',
      { users: there(), names: { 'c-2': { state: 'live', userId: B, lastSeenAt: NOW - 1 } } },
    ],
  ] as const)('to one %s fails, and nothing is sent', async (_title, { users, ...options }) => {
    const world = createOperationWorld({ record: live, users: [...users], ...options });
    expect((await world.update({ ...C1, ...rename })).outcome).toMatchObject(taken);
    expect(world.sent.update).toEqual([]);
  });

  it.each([
    [
      'that a user of another instance bears',
      { users: [{ userId: B, clientId: 'c-2', instanceId: OTHER_INSTANCE_ID }] },
    ],
    ['of a user that is gone', { names: { 'c-2': { state: 'live', userId: B } } }],
    ['of a user that was deleted', { names: { 'c-2': { state: 'deleted', userId: B, lastSeenAt: NOW } } }],
    ['that differs from it in its letters', { users: [{ userId: B, clientId: 'C-2' }] }],
    ['that it has got already', { names: { 'c-2': { state: 'live', userId: A, isInDoubt: true } } }],
  ] as const)(
    'to one %s is applied',
    async (
      _title,
      {
        users = [],
        ...options
      }: { users?: readonly DamoovUser[]; names?: Record<string, Partial<UserRecord>> },
    ) => {
      const world = createOperationWorld({ record: live, users: [...there(), ...users], ...options });
      expect((await world.update({ ...C1, ...rename })).outcome).toEqual(updated(A, 'clientId'));
    },
  );

  it.each([
    ['which another job has', 'blocked', 1000],
    ['of which a create went unanswered', { isInDoubt: true, doubtSince: NOW - 1 }, 1000],
    // No longer than what is left of the lag of look-ups.
    ['of which one went unanswered long ago', { isInDoubt: true, doubtSince: NOW - 15 * MINUTE_MS + 1 }, 1],
  ] as const)('to one %s waits', async (_title, name, delayMs) => {
    const world = createOperationWorld({ record: live, users: there(), names: { 'c-2': name } });
    expect((await world.update({ ...C1, ...rename })).outcome).toMatchObject({ status: 'wait', delayMs });
    expect(world.sent.update).toEqual([]);
  });

  it('and has lost its job meanwhile sends nothing', async () => {
    const world = createOperationWorld({ record: live, users: there(), names: { 'c-2': LOCK_LOST } });
    expect(await world.update({ ...C1, ...rename })).toEqual(GAVE_UP);
    expect(world.sent.update).toEqual([]);
  });

  it('records none if it clears it', async () => {
    const world = createOperationWorld({ record: live, users: there() });
    const { recordUpdate } = await world.update({ ...C1, changes: { clientId: null } });
    expect(recordUpdate).toMatchObject({ clientId: 'c-1', renamedTo: null });
  });

  it('to what it is already is none', async () => {
    const world = createOperationWorld({ record: live, users: there() });
    const { recordUpdate } = await world.update({ ...C1, changes: { clientId: 'c-1' } });
    expect(recordUpdate).not.toHaveProperty('renamedTo');
  });
});
