import { describe, expect, it } from 'vitest';
import {
  A,
  B,
  FOREIGN_INSTANCE_ID,
  GAVE_UP,
  INSTANCE,
  MINUTE_MS,
  NOW,
  OURS,
  OTHER_INSTANCE,
  OTHER_INSTANCE_ID,
  createOperationWorld,
  version,
} from './operation-world.ts';

const C1 = { clientId: 'c-1', toInstance: 'other', instance: 'default' };
const ID = { userId: A, toInstance: 'other', instance: 'default' };
const live = { state: 'live', userId: A } as const;
const here = () => ({ userId: A, clientId: 'c-1', instanceId: INSTANCE.id });
const there = () => ({ ...here(), instanceId: OTHER_INSTANCE_ID });
const moved = { status: 'done', type: 'user.moved', userId: A, fromInstance: 'default', toInstance: 'other' };
const { fromInstance: _from, ...movedFromSomewhere } = moved;
const MOVE = `move ${A} to ${OTHER_INSTANCE_ID}`;
const LOCK_NAME = `lock name c-1 in ${OTHER_INSTANCE_ID}`;

describe('a move of a remembered user', () => {
  it('is sent once nobody there has the clientId, and records where the user is', async () => {
    const world = createOperationWorld({ record: live, users: [here()] });
    const { outcome, recordUpdate } = await world.move(C1);
    expect(world.calls).toEqual([`find ${A}`, LOCK_NAME, 'find c-1', MOVE]);
    expect(outcome).toEqual(moved);
    expect(recordUpdate).toEqual({
      clientId: 'c-1',
      instance: INSTANCE,
      movedTo: OTHER_INSTANCE,
      record: { ...live, generation: 0, isInDoubt: false, fields: {}, moved: `${NOW} 0 job`, movedAt: NOW },
    });
  });

  it('is not sent where the user is there already', async () => {
    const world = createOperationWorld({ record: live, users: [there()] });
    const { outcome, recordUpdate } = await world.move(C1);
    expect([world.calls, outcome]).toEqual([[`find ${A}`, LOCK_NAME, 'find c-1'], movedFromSomewhere]);
    expect(recordUpdate).toMatchObject({ instance: INSTANCE, movedTo: OTHER_INSTANCE, clientId: 'c-1' });
  });

  it('waits for the clientId there, which leads to the user from then on', async () => {
    const blocked = createOperationWorld({ record: live, users: [there()], names: { 'c-1': 'blocked' } });
    expect((await blocked.move(C1)).outcome).toMatchObject({ status: 'wait' });
    // Others have moved it to where another user has the clientId.
    const other = { userId: B, clientId: 'c-1', instanceId: OTHER_INSTANCE_ID };
    const taken = createOperationWorld({ record: live, users: [there(), other] });
    const { outcome, recordUpdate } = await taken.move(C1);
    expect(outcome).toEqual(movedFromSomewhere);
    expect(recordUpdate).not.toHaveProperty('movedTo');
  });

  it('says where the user was if an earlier run may have moved it', async () => {
    const world = createOperationWorld({ record: { ...live, movingSince: NOW - 1 }, users: [there()] });
    expect((await world.move(C1)).outcome).toEqual(moved);
    // By its UserId the user may have been anywhere.
    expect((await world.move(ID)).outcome).toEqual(movedFromSomewhere);
  });

  it('moves a user without a clientId, of whom no name changes', async () => {
    const nameless = { userId: A, instanceId: INSTANCE.id };
    const world = createOperationWorld({ record: live, users: [nameless] });
    const { outcome, recordUpdate } = await world.move(ID);
    expect([world.calls, outcome]).toEqual([[`find ${A}`, MOVE], moved]);
    expect(recordUpdate?.clientId).toBeUndefined();
  });

  it('is superseded by a newer deletion, move or sign-up, and sends nothing', async () => {
    for (const [record, by] of [
      [{ deleted: version(1) }, 'deletion'],
      [{ moved: version(1) }, 'move'],
      [{ created: version(1) }, 'create'],
    ] as const) {
      const world = createOperationWorld({ record: { ...live, ...record }, users: [here()] });
      const { outcome, recordUpdate } = await world.move(C1);
      expect([outcome, world.calls]).toEqual([{ status: 'superseded', by, userId: A }, [LOCK_NAME]]);
      // The clientId there is free again, if an earlier run has kept it for the user.
      expect(recordUpdate).toHaveProperty('movedTo', undefined);
    }
    const older = createOperationWorld({ record: { ...live, moved: version(-1) }, users: [here()] });
    expect((await older.move(C1)).outcome).toEqual(moved);
  });

  it('waits for the user, and for an unsettled deletion or create', async () => {
    const hidden = createOperationWorld({ record: live });
    expect((await hidden.move(C1)).outcome).toMatchObject({ status: 'wait', reason: 'no such user yet' });
    const deleting = createOperationWorld({ record: { ...live, deletingSince: NOW - 1 }, users: [here()] });
    expect((await deleting.move(C1)).outcome).toMatchObject({ status: 'wait' });
    const pending = createOperationWorld({ record: { pending: version(-1) }, users: [here()] });
    expect((await pending.move(C1)).outcome).toMatchObject({ reason: 'the user is still being created' });
    expect([hidden.calls, deleting.calls, pending.calls]).toEqual([[`find ${A}`], [], []]);
    const never = createOperationWorld({ ageMs: 5 * MINUTE_MS });
    expect((await never.move(C1)).outcome).toMatchObject({ code: 'user-not-found' });
  });

  it('fails for a user of another instance, unless the job names its UserId', async () => {
    const users = [{ ...here(), instanceId: FOREIGN_INSTANCE_ID }];
    for (const data of [C1, ID]) {
      const world = createOperationWorld({ record: live, users });
      expect((await world.move(data)).outcome).toMatchObject({ code: 'other-instance' });
      expect(world.calls.filter((call) => call !== LOCK_NAME)).toEqual([`find ${A}`]);
    }
    const back = { clientId: 'c-1', toInstance: 'default', instance: 'default' };
    const other = createOperationWorld({ ageMs: 5 * MINUTE_MS, users: [there()] });
    expect((await other.move(back)).outcome).toMatchObject({ code: 'other-instance' });
    const named = createOperationWorld({ users: [there()] });
    expect((await named.move({ ...back, clientId: undefined, userId: A })).outcome).toEqual({
      ...moved,
      fromInstance: 'other',
      toInstance: 'default',
    });
  });

  it('fails where another user there has the clientId, or may be getting it', async () => {
    const other = { userId: B, clientId: 'c-1', instanceId: OTHER_INSTANCE_ID };
    for (const names of [{}, { 'c-1': { state: 'live', userId: B } }] as const) {
      const world = createOperationWorld({ record: live, users: [here(), other], names });
      const { outcome } = await world.move(C1);
      expect(outcome).toMatchObject({ code: 'client-id-taken', userId: A });
      expect(world.calls).not.toContain(MOVE);
    }
    const deleted = createOperationWorld({
      record: live,
      users: [here()],
      names: { 'c-1': { state: 'deleted', deleted: version(1) } },
    });
    expect((await deleted.move(C1)).outcome).toMatchObject({ code: 'client-id-taken' });
    const before = createOperationWorld({
      record: live,
      users: [here()],
      names: { 'c-1': { state: 'deleted', deleted: version(-1) } },
    });
    expect((await before.move(C1)).outcome).toEqual(moved);
    const doubtful = createOperationWorld({
      record: live,
      users: [here()],
      names: { 'c-1': { isInDoubt: true, doubtSince: NOW - 1 } },
    });
    expect((await doubtful.move(C1)).outcome).toMatchObject({ status: 'wait' });
    const blocked = createOperationWorld({ record: live, users: [here()], names: { 'c-1': 'blocked' } });
    expect((await blocked.move(C1)).outcome).toMatchObject({ status: 'wait' });
    const lost = createOperationWorld({
      record: live,
      users: [here()],
      names: { 'c-1': GAVE_UP.outcome.status } as never,
    });
    expect(await lost.move(C1)).toEqual(GAVE_UP);
  });
});

describe('a move while look-ups may lag', () => {
  it('is sent though the user is seen there: it may have left since', async () => {
    for (const record of [{ moved: version(-1), movedAt: NOW - 1 }, { movingSince: NOW - 1 }]) {
      const world = createOperationWorld({ record: { ...live, ...record }, users: [there()] });
      expect((await world.move(C1)).outcome).toMatchObject({ type: 'user.moved', userId: A });
      expect(world.calls.at(-1)).toBe(MOVE);
    }
    // There another user may have the clientId, if the look-up is right.
    const other = { userId: B, clientId: 'c-1', instanceId: OTHER_INSTANCE_ID };
    const record = { ...live, movingSince: NOW - 1 };
    const taken = createOperationWorld({ record, users: [there(), other] });
    expect((await taken.move(C1)).outcome).toMatchObject({ status: 'wait' });
    const movedAt = NOW - 16 * MINUTE_MS;
    const old = createOperationWorld({
      record: { ...live, moved: version(-1), movedAt },
      users: [there()],
    });
    expect((await old.move(C1)).outcome).toEqual(movedFromSomewhere);
    expect(old.calls).not.toContain(MOVE);
  });

  it('waits for a user who is new or may have been moved, however old its job is', async () => {
    for (const record of [{ lastSeenAt: NOW - 1 }, { movingSince: NOW - 1 }]) {
      const world = createOperationWorld({ record: { ...live, ...record }, ageMs: 60 * MINUTE_MS });
      expect((await world.move(C1)).outcome).toMatchObject({ status: 'wait' });
    }
  });

  it('waits for a create that may have made the user, as a repeated one would make another', async () => {
    const record = { isInDoubt: true, doubtSince: NOW - 1, doubtAbout: ['derived:0'] };
    const world = createOperationWorld({ record, users: [here()] });
    const { outcome } = await world.move(ID);
    expect([outcome, world.calls]).toMatchObject([{ status: 'wait' }, [`find ${A}`]]);
  });

  it('waits for a newer sign-up that is not settled, whose user it would take', async () => {
    const world = createOperationWorld({ record: { ...live, pending: version(1) }, users: [here()] });
    const reason = 'a newer sign-up of the user is not settled yet';
    expect([(await world.move(C1)).outcome, world.calls]).toMatchObject([{ status: 'wait', reason }, []]);
  });

  it('is not kept from a clientId by a user of ours that has left that instance', async () => {
    const left = { userId: OURS, clientId: 'c-1', instanceId: OTHER_INSTANCE_ID };
    const data = { userId: A, toInstance: 'default', instance: 'other' };
    for (const formerUserId of [undefined, OURS]) {
      const world = createOperationWorld({ users: [there(), left], names: { 'c-1': { formerUserId } } });
      const { outcome } = await world.move(data);
      expect(outcome.status).toBe(formerUserId === undefined ? 'failed' : 'done');
    }
  });
});

describe('a move that is refused', () => {
  const refused = (record = {}, users = [here()]) => {
    const world = createOperationWorld({ record: { ...live, ...record }, users });
    world.fails('move', 'rejected', { status: 422 });
    return world;
  };

  it('was carried out where a look-up shows the user there', async () => {
    const world = createOperationWorld({ record: live, users: [here()] });
    world.fails('move', 'conflict', { status: 409, isApplied: true });
    expect((await world.move(C1)).outcome).toEqual(moved);
    expect(world.calls.at(-1)).toBe(`find ${A}`);
  });

  it('fails with the reason of Damoov where it was not', async () => {
    await expect(refused().move(C1)).rejects.toMatchObject({ kind: 'rejected' });
  });

  it('waits as long as an earlier move may not be seen yet', async () => {
    const young = refused({ movingSince: NOW - 1 });
    expect((await young.move(C1)).outcome).toMatchObject({ status: 'wait' });
    expect(young.calls.filter((call) => call.startsWith('find'))).toHaveLength(5);
    await expect(refused({ movingSince: NOW - 16 * MINUTE_MS }).move(C1)).rejects.toMatchObject({
      kind: 'rejected',
    });
  });

  it('fails at once for any other reason', async () => {
    const world = createOperationWorld({ record: live, users: [here()] });
    world.fails('move', 'rate-limited', { status: 429 });
    await expect(world.move(C1)).rejects.toMatchObject({ kind: 'rate-limited' });
    expect(world.calls.at(-1)).toBe(MOVE);
  });
});

describe('the other jobs of a user who was moved', () => {
  const newer = { ...live, moved: version(1) };
  const PHONE = { clientId: 'c-1', instance: 'default', changes: { phone: '1' } };

  it('reach it from its old instance if they are older than the move', async () => {
    const update = createOperationWorld({ record: newer, users: [there()] });
    expect((await update.update(PHONE)).outcome).toMatchObject({ type: 'user.updated', userId: A });
    const deletion = createOperationWorld({ record: newer, users: [there()] });
    expect((await deletion.delete({ clientId: 'c-1', instance: 'default' })).outcome).toMatchObject({
      type: 'user.deleted',
      userId: A,
    });
    const foreign = { ...here(), instanceId: FOREIGN_INSTANCE_ID };
    const gone = createOperationWorld({ record: newer, users: [foreign] });
    expect((await gone.update(PHONE)).outcome).toMatchObject({ code: 'other-instance' });
  });

  it('wait for a move to their instance, which may still come', async () => {
    const wait = { status: 'wait', reason: 'the user is in another instance: its move may still come' };
    const world = createOperationWorld({ users: [there()] });
    expect((await world.update(PHONE)).outcome).toEqual({ ...wait, delayMs: 1000 });
    const deletion = await world.delete({ clientId: 'c-1', instance: 'default' });
    const back = await world.move({ clientId: 'c-1', instance: 'default', toInstance: 'default' });
    expect([deletion.outcome, back.outcome]).toMatchObject([wait, wait]);
    const foreign = createOperationWorld({ users: [{ ...here(), instanceId: FOREIGN_INSTANCE_ID }] });
    expect((await foreign.update(PHONE)).outcome).toMatchObject({ code: 'other-instance' });
  });

  it('do not reach it if they are newer', async () => {
    const older = { ...live, moved: version(-1) };
    const update = createOperationWorld({ record: older, users: [there()] });
    expect((await update.update(PHONE)).outcome).toMatchObject({ code: 'other-instance', userId: A });
    const deletion = createOperationWorld({ record: older, users: [there()] });
    expect((await deletion.delete({ clientId: 'c-1', instance: 'default' })).outcome).toMatchObject({
      code: 'other-instance',
    });
    expect(deletion.users).toHaveLength(1);
  });

  it('delete nobody who has another clientId by now, unless a newer job of ours gave it', async () => {
    const data = { clientId: 'c-1', instance: 'default' };
    const renamed = () => ({ ...there(), clientId: 'c-2' });
    const world = createOperationWorld({ record: newer, users: [renamed()] });
    expect((await world.delete(data)).outcome).toMatchObject({ code: 'user-mismatch' });
    expect(world.users).toHaveLength(1);
    const record = { ...newer, fields: { clientId: version(2) } };
    const byUs = createOperationWorld({ record, users: [renamed()], ageMs: 10 * MINUTE_MS });
    expect((await byUs.delete(data)).outcome).toMatchObject({ type: 'user.deleted', userId: A });
  });

  it('delete nobody whom a lagging look-up shows in its old instance, however old their versions are', async () => {
    const record = { state: 'deleted', formerUserId: A, deleted: version(-60 * MINUTE_MS) } as const;
    const data = { clientId: 'c-1', instance: 'default' };
    const world = createOperationWorld({ record: { ...record, givenUpAt: NOW - 1 }, users: [here()] });
    expect((await world.delete(data)).outcome).toMatchObject({ status: 'wait', delayMs: 1000 });
    expect(world.users).toHaveLength(1);
    const late = createOperationWorld({
      record: { ...record, givenUpAt: NOW - 16 * MINUTE_MS },
      users: [here()],
    });
    expect((await late.delete(data)).outcome).toMatchObject({ type: 'user.deleted' });
  });

  it('give it no other clientId until look-ups show where it is', async () => {
    const data = { clientId: 'c-1', instance: 'default', changes: { clientId: 'c-2' } };
    for (const record of [{ movingSince: NOW - 1 }, { moved: version(1), movedAt: NOW - 1 }]) {
      const world = createOperationWorld({ record: { ...live, ...record }, users: [here()] });
      expect((await world.update(data)).outcome).toMatchObject({ status: 'wait' });
      expect(world.calls).toEqual([`find ${A}`]);
    }
    // One that is newer than the move names the instance where the user is, and sees it there.
    const record = { ...live, moved: version(-1), movedAt: NOW - 1 };
    const world = createOperationWorld({ record, users: [here()] });
    expect((await world.update(data)).outcome).toMatchObject({ type: 'user.updated' });
    const named = createOperationWorld({ record, users: [here()] });
    const byId = { userId: A, instance: 'default', changes: data.changes };
    expect((await named.update(byId)).outcome).toMatchObject({ status: 'wait' });
  });

  it('take no user for that of a sign-up who is to be moved to its instance and is elsewhere yet', async () => {
    const signUp = { clientId: 'c-1', instance: 'default', profile: {}, createAccessToken: false };
    const record = { givenSince: NOW - 1 };
    const world = createOperationWorld({ record, users: [there()] });
    expect((await world.create(signUp)).outcome).toMatchObject({ status: 'wait' });
    const own = { userId: B, clientId: 'c-1', instanceId: INSTANCE.id };
    const both = createOperationWorld({ record, users: [there(), own] });
    expect((await both.create(signUp)).outcome).toMatchObject({ userId: B, existed: true });
  });

  it('wait while a move may have been sent that is not settled', async () => {
    const record = { ...live, movingSince: NOW - 1 };
    const wait = { status: 'wait', reason: 'a move of the user to another instance is not settled yet' };
    const world = createOperationWorld({ record, users: [there()] });
    expect((await world.update(PHONE)).outcome).toMatchObject(wait);
    expect((await world.delete({ clientId: 'c-1', instance: 'default' })).outcome).toMatchObject(wait);
    const signUp = { clientId: 'c-1', instance: 'default', profile: {}, createAccessToken: false };
    expect((await world.create(signUp)).outcome).toMatchObject(wait);
    expect(world.users).toEqual([there()]);
    // No move is sent before the sign-up, for which the move itself waits.
    const nobody = createOperationWorld({ record: { movingSince: NOW - 1 } });
    expect((await nobody.create(signUp)).outcome).toMatchObject({ type: 'user.created' });
    // After an hour its job is believed to be gone.
    const late = createOperationWorld({
      record: { ...live, movingSince: NOW - 61 * MINUTE_MS },
      users: [there()],
    });
    expect((await late.update(PHONE)).outcome).toMatchObject({ code: 'other-instance' });
  });
});
