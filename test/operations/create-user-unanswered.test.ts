import { describe, expect, it } from 'vitest';
import {
  A,
  B,
  FOREIGN_INSTANCE_ID,
  HOUR_MS,
  MINUTE_MS,
  NOW,
  OURS,
  SIGN_UP,
  createOperationWorld,
  created,
  derived,
  version,
} from './operation-world.ts';

describe('a sign-up whose earlier create went unanswered', () => {
  const record = { isInDoubt: true };

  it('finds the user that it has made', async () => {
    const world = createOperationWorld({ record, users: [{ userId: OURS, clientId: 'c-1' }] });
    const { outcome, recordUpdate } = await world.create(SIGN_UP);
    expect(outcome).toEqual(created(OURS, true));
    expect(recordUpdate?.record.isInDoubt).toBe(false);
    expect(world.calls).toEqual([`find ${OURS}`]);
  });

  it('is sent again where neither id nor clientId is found', async () => {
    const world = createOperationWorld({ record });
    expect((await world.create(SIGN_UP)).outcome).toEqual(created(OURS, false));
    expect(world.calls).toEqual([`find ${OURS}`, 'find c-1', `create ${OURS}`]);
  });

  it('takes its own user of several that bear the clientId, also where only the second look-up shows it', async () => {
    const users = [A, OURS].map((userId) => ({ userId, clientId: 'c-1' }));
    const world = createOperationWorld({ record, users, lag: 1 });
    expect((await world.create(SIGN_UP)).outcome).toEqual(created(OURS, true));
    expect(world.users).toHaveLength(2);
  });

  it('is left to a person where two other users bear the clientId', async () => {
    const users = [A, B].map((userId) => ({ userId, clientId: 'c-1' }));
    const world = createOperationWorld({ record, users });
    expect((await world.create(SIGN_UP)).outcome).toEqual({
      status: 'failed',
      code: 'ambiguous-client-id',
      message: `2 users have this clientId: ${A}, ${B}`,
    });
    expect(world.users).toHaveLength(2);
  });

  it('whose id was not heeded fails, and the user is remembered', async () => {
    const known = { created: version(-3), fields: { phone: version(-3) } };
    const users = [{ userId: A, clientId: 'c-1' }];
    const world = createOperationWorld({ record: { ...record, ...known }, users });
    const { outcome, recordUpdate } = await world.create(SIGN_UP);
    expect(outcome).toMatchObject({ code: 'unexpected-user-id', userId: OURS });
    expect(recordUpdate?.record).toMatchObject({
      ...known,
      state: 'mismatched',
      userId: A,
      isInDoubt: false,
    });
  });

  it('takes a user whose clientId differs in its letters for another one', async () => {
    const world = createOperationWorld({ record, users: [{ userId: A, clientId: 'C-1' }] });
    expect((await world.create(SIGN_UP)).outcome).toEqual(created(OURS, false));
  });

  it.each([HOUR_MS, NOW])('asks for no id that an unconfirmed deletion may have spent', async (sinceMs) => {
    const world = createOperationWorld({ record: { isInDoubt: true, deletingSince: NOW - sinceMs } });
    // The next one; no state says yet that this one was deleted.
    expect((await world.create(SIGN_UP)).outcome).toEqual(created(derived('c-1', 1), false));
    const next = derived('c-1', 1);
    expect(world.calls).toEqual([`find ${OURS}`, `find ${next}`, 'find c-1', `create ${next}`]);
  });

  it('asks again for an id that the job names, whatever was deleted', async () => {
    const world = createOperationWorld({ record: { isInDoubt: true, deletingSince: 0 } });
    expect((await world.create({ ...SIGN_UP, userId: A })).outcome).toEqual(created(A, false));
  });

  it('leaves an id to whoever bears it under another clientId', async () => {
    const users = [{ userId: OURS, clientId: 'c-2' }];
    const known = { created: version(3), deleted: version(-3) };
    const world = createOperationWorld({ record: { ...record, ...known }, users: [...users] });
    const { outcome: next, recordUpdate } = await world.create(SIGN_UP);
    expect(next).toEqual(created(derived('c-1', 1), false));
    expect(recordUpdate?.record).toMatchObject(known);
    const named = createOperationWorld({ record, users: [{ userId: A, clientId: 'c-2' }] });
    const { outcome } = await named.create({ ...SIGN_UP, userId: A });
    expect(outcome).toMatchObject({ code: 'user-mismatch', userId: A });
    expect(named.users).toHaveLength(1);
  });

  it('is sent again without an admin where we choose the id, and never where Damoov does', async () => {
    const ours = createOperationWorld({ record, hasAdmin: false });
    expect((await ours.create(SIGN_UP)).outcome).toEqual(created(OURS, false));
    const assigned = createOperationWorld({ record, hasAdmin: false, mode: 'assigned' });
    expect((await assigned.create(SIGN_UP)).outcome).toMatchObject({ code: 'outcome-unknown' });
    expect(assigned.calls).toEqual([]);
  });

  it('is sent again without a clientId where we choose the id, and never where Damoov does', async () => {
    const nameless = { ...SIGN_UP, clientId: undefined };
    const ours = createOperationWorld({ record });
    expect((await ours.create(nameless)).outcome).toMatchObject({ existed: false });
    const assigned = createOperationWorld({ record, mode: 'assigned' });
    expect((await assigned.create(nameless)).outcome).toMatchObject({ code: 'outcome-unknown' });
    expect(assigned.calls).toEqual([]);
  });

  it('of a Damoov that chooses ids finds the user by its clientId', async () => {
    const users = [{ userId: B, clientId: 'c-1' }];
    const world = createOperationWorld({ record, mode: 'assigned', users });
    expect((await world.create(SIGN_UP)).outcome).toEqual(created(B, true));
    expect(world.calls).toEqual(['find c-1']);
  });

  it('of a Damoov that chooses ids first looks for the id that the earlier one named', async () => {
    const young = { ...record, doubtSince: NOW - 1, doubtAbout: [B] };
    const users = [{ userId: B, clientId: 'c-1' }];
    const world = createOperationWorld({ record: young, mode: 'assigned', users });
    expect((await world.create(SIGN_UP)).outcome).toEqual(created(B, true));
    expect(world.calls).toEqual([`find ${B}`]);
  });

  it.each([
    [15 * MINUTE_MS - 1, { status: 'wait', delayMs: 1 }],
    [15 * MINUTE_MS, { code: 'unexpected-user-id' }],
  ])('%i ms ago, and whose clientId another user bears, is answered %j', async (ageMs, answer) => {
    const users = [{ userId: A, clientId: 'c-1' }];
    const world = createOperationWorld({ record: { ...record, doubtSince: NOW - ageMs }, users });
    expect((await world.create(SIGN_UP)).outcome).toMatchObject(answer);
  });

  it.each([
    [15 * MINUTE_MS - 1, { status: 'wait', delayMs: 1 }],
    [15 * MINUTE_MS, created(A, false)],
  ])('%i ms ago, to a Damoov that chose the id, is answered %j if it names one', async (ageMs, answer) => {
    const unanswered = { ...record, doubtSince: NOW - ageMs };
    const world = createOperationWorld({
      record: unanswered,
      others: { [A]: unanswered },
      mode: 'assigned',
    });
    expect((await world.create({ ...SIGN_UP, userId: A })).outcome).toMatchObject(answer);
  });
});

describe('a create that nobody answered', () => {
  it('is thrown where we choose the id: the next run finds out', async () => {
    const world = createOperationWorld();
    world.fails('create', 'timeout', { isApplied: true });
    await expect(world.create(SIGN_UP)).rejects.toMatchObject({ kind: 'timeout' });
    expect(world.calls).toEqual([`create ${OURS}`]);
  });

  it('is left to a person where Damoov chooses the id and nothing could find the user', async () => {
    const nameless = createOperationWorld({ mode: 'assigned' });
    nameless.fails('create', 'timeout', { isApplied: true });
    const { outcome } = await nameless.create({ ...SIGN_UP, clientId: undefined });
    expect(outcome).toMatchObject({ status: 'failed', code: 'outcome-unknown' });
    const withoutAdmin = createOperationWorld({ mode: 'assigned', hasAdmin: false });
    withoutAdmin.fails('create', 'timeout', { isApplied: true });
    expect((await withoutAdmin.create(SIGN_UP)).outcome).toMatchObject({ code: 'outcome-unknown' });
  });

  it('makes no second user where Damoov chooses the id and one of another instance may be the first', async () => {
    const record = { isInDoubt: true, doubtSince: NOW - HOUR_MS } as const;
    const users = [{ userId: A, clientId: 'c-1', instanceId: FOREIGN_INSTANCE_ID }];
    const world = createOperationWorld({ mode: 'assigned', record, users });
    const { outcome } = await world.create(SIGN_UP);
    const message = expect.stringContaining(`user ${A} has this clientId in another instance`);
    expect(outcome).toMatchObject({ code: 'outcome-unknown', message });
    expect(world.calls).toEqual(['find c-1']);
  });

  it('is thrown where Damoov chooses the id and the clientId finds the user', async () => {
    const world = createOperationWorld({ mode: 'assigned' });
    world.fails('create', 'timeout', { isApplied: true });
    await expect(world.create(SIGN_UP)).rejects.toMatchObject({ kind: 'timeout' });
    expect(world.calls).toEqual(['create -']);
  });

  it('and was refused for certain fails as it was refused', async () => {
    const world = createOperationWorld({ mode: 'assigned', hasAdmin: false });
    world.fails('create', 'rejected');
    await expect(world.create(SIGN_UP)).rejects.toMatchObject({ kind: 'rejected' });
  });
});
