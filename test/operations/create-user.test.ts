import { describe, expect, it } from 'vitest';
import { DamoovError } from '../../src/damoov/errors.ts';
import { deriveUserId } from '../../src/operations/derive-user-id.ts';
import {
  A,
  B,
  FOREIGN_INSTANCE_ID,
  HOUR_MS,
  INSTANCE,
  MINUTE_MS,
  NOW,
  createOperationWorld,
  derived,
  version,
} from './operation-world.ts';

const SIGN_UP = { clientId: 'c-1', createAccessToken: false, profile: {}, instance: 'default' };
const OURS = derived();
const created = (userId: string, existed: boolean) => ({
  status: 'done',
  type: 'user.created',
  userId,
  existed,
});

describe('a sign-up of nobody known', () => {
  it('asks for the derived id, and remembers who was made, when, and what was written', async () => {
    const world = createOperationWorld();
    const profile = { firstName: 'Ada', phone: '1' };
    const { outcome, recordUpdate } = await world.create({ ...SIGN_UP, profile, createAccessToken: true });
    expect(world.calls).toEqual([`create ${OURS}`]);
    expect(world.sent.create).toEqual([{ clientId: 'c-1', ...profile, createAccessToken: true }]);
    expect(outcome).toEqual(created(OURS, false));
    const written = `${NOW} 0 job`;
    expect(recordUpdate).toEqual({
      record: {
        userId: OURS,
        state: 'live',
        generation: 0,
        isInDoubt: false,
        madeAt: NOW,
        created: written,
        deletingSince: undefined,
        fields: { firstName: written, phone: written, clientId: written },
      },
    });
  });

  it('without a clientId has an id of its own, of the job and its time', async () => {
    const world = createOperationWorld();
    const { outcome, recordUpdate } = await world.create({ ...SIGN_UP, clientId: undefined });
    const wanted = deriveUserId(INSTANCE, { jobId: 'job', timestamp: NOW });
    expect(outcome).toEqual(created(wanted, false));
    expect(recordUpdate?.record.fields).toEqual({});
  });

  it('hands the tokens on that it asked for', async () => {
    const world = createOperationWorld();
    world.answers(OURS, { accessToken: { token: 'access', expiresInS: 1 }, refreshToken: 'refresh' });
    const { outcome } = await world.create(SIGN_UP);
    expect(outcome).toEqual({ ...created(OURS, false), accessToken: 'access', refreshToken: 'refresh' });
  });

  it('takes the id that Damoov answers with in other letters for the same', async () => {
    const world = createOperationWorld();
    world.answers(OURS.toUpperCase());
    expect((await world.create(SIGN_UP)).outcome).toMatchObject({ type: 'user.created' });
  });

  it('whom Damoov makes under another id fails, and that one is remembered', async () => {
    const world = createOperationWorld();
    world.answers(A);
    const { outcome, recordUpdate } = await world.create(SIGN_UP);
    expect(outcome).toEqual({
      status: 'failed',
      code: 'unexpected-user-id',
      message: `asked for user ${OURS}, Damoov has user ${A}`,
      userId: OURS,
    });
    expect(recordUpdate?.record).toMatchObject({ userId: A, state: 'stray', isInDoubt: false });
  });
});

describe('a sign-up after a deletion', () => {
  it('that is newer is superseded, and nothing is asked', async () => {
    const record = { deleted: version(1), userId: A };
    const world = createOperationWorld({ record });
    expect(await world.create(SIGN_UP)).toEqual({
      outcome: { status: 'superseded', by: 'deletion', userId: A },
    });
    expect(world.calls).toEqual([]);
  });

  it('that is older makes the next user', async () => {
    const known = { deleted: version(-1), created: version(3) };
    const record = { ...known, state: 'deleted', userId: derived('c-1', 3), generation: 3 } as const;
    const world = createOperationWorld({ record });
    const { outcome, recordUpdate } = await world.create(SIGN_UP);
    expect(outcome).toEqual(created(derived('c-1', 4), false));
    expect(recordUpdate?.record).toMatchObject({ ...known, generation: 4 });
  });

  it.each([
    ['that goes on waits for it', HOUR_MS - 1, true],
    ['that went on an hour ago waits no more', HOUR_MS, false],
    ['whose job has failed waits no more', NOW, false],
  ])('%s', async (_title, sinceMs, waits) => {
    const world = createOperationWorld({ record: { deletingSince: NOW - sinceMs } });
    const { outcome } = await world.create(SIGN_UP);
    // That deletion may have spent the id.
    expect(outcome).toMatchObject(waits ? { status: 'wait' } : created(derived('c-1', 1), false));
    expect(world.calls.length).toBe(waits ? 0 : 3);
  });

  it('settled forgets that a deletion was on its way', async () => {
    const world = createOperationWorld({ record: { deletingSince: 0 } });
    expect((await world.create(SIGN_UP)).recordUpdate?.record.deletingSince).toBeUndefined();
  });
});

describe('a remembered user', () => {
  const live = { state: 'live', userId: OURS, created: version(-5) } as const;
  const there = () => [{ userId: OURS, clientId: 'c-1', firstName: 'Ada' }];

  it.each([
    ['made a moment ago is believed without a look-up', 15 * MINUTE_MS - 1, []],
    ['made a quarter of an hour ago is looked up', 15 * MINUTE_MS, [`find ${OURS}`]],
    ['made nobody knows when is looked up', undefined, [`find ${OURS}`]],
  ])('%s', async (_title, ageMs, calls) => {
    const madeAt = ageMs === undefined ? undefined : NOW - ageMs;
    const world = createOperationWorld({ record: { ...live, madeAt }, users: there() });
    const { outcome, recordUpdate } = await world.create(SIGN_UP);
    expect(world.calls).toEqual(calls);
    expect(outcome).toEqual(created(OURS, true));
    expect(recordUpdate?.record).toMatchObject({ state: 'live', created: `${NOW} 0 job`, madeAt: NOW });
  });

  it('is looked up where the job names an id itself, however young', async () => {
    const record = { ...live, madeAt: NOW };
    const world = createOperationWorld({ record, users: [{ userId: OURS, clientId: 'c-9' }] });
    const { outcome } = await world.create({ ...SIGN_UP, userId: OURS });
    expect(outcome).toMatchObject({ status: 'failed', code: 'user-mismatch', userId: OURS });
    expect(world.calls).toEqual([`find ${OURS}`]);
  });

  it('who is not the one that the job names is no answer', async () => {
    const world = createOperationWorld({ record: { ...live, madeAt: NOW }, users: there() });
    const { outcome } = await world.create({ ...SIGN_UP, userId: A });
    expect(outcome).toMatchObject({ status: 'failed', code: 'unexpected-user-id', userId: A });
    expect(world.calls).toEqual([]);
  });

  it('who is gone is made anew, as the next one', async () => {
    const fields = { phone: version(5) };
    const world = createOperationWorld({ record: { ...live, fields } });
    const { outcome, recordUpdate } = await world.create({ ...SIGN_UP, profile: { phone: '1' } });
    expect(outcome).toEqual(created(derived('c-1', 1), false));
    // What was written of the one who is gone is nothing to the new one.
    expect(recordUpdate?.record.fields).toEqual({ phone: `${NOW} 0 job`, clientId: `${NOW} 0 job` });
  });

  it('who bears another clientId by now leaves the sign-up to the next one', async () => {
    const world = createOperationWorld({ record: live, users: [{ userId: OURS, clientId: 'c-2' }] });
    expect((await world.create(SIGN_UP)).outcome).toEqual(created(derived('c-1', 1), false));
  });

  it('who bears no clientId, or signs up without one, is the same', async () => {
    const nameless = createOperationWorld({ record: live, users: [{ userId: OURS }] });
    expect((await nameless.create(SIGN_UP)).outcome).toEqual(created(OURS, true));
    const named = createOperationWorld({ record: live, users: there() });
    const { outcome } = await named.create({ ...SIGN_UP, clientId: undefined });
    expect(outcome).toEqual(created(OURS, true));
  });

  it('is updated where its fields differ, with what nothing newer is known of', async () => {
    const record = { ...live, madeAt: NOW, fields: { phone: version(1), email: version(-1) } };
    const world = createOperationWorld({ record, users: there() });
    const profile = { firstName: 'Eve', phone: '1', email: 'e@x' };
    const { recordUpdate } = await world.create({ ...SIGN_UP, profile });
    expect(world.calls).toEqual([`find ${OURS}`, `update ${OURS}`]);
    expect(world.sent.update).toEqual([{ firstName: 'Eve', email: 'e@x' }]);
    const written = `${NOW} 0 job`;
    expect(recordUpdate?.record.fields).toEqual({ phone: version(1), firstName: written, email: written });
  });

  it('is not updated where a look-up shows the same', async () => {
    const world = createOperationWorld({ record: live, users: there() });
    await world.create({ ...SIGN_UP, profile: { firstName: 'Ada' } });
    expect(world.calls).toEqual([`find ${OURS}`]);
  });

  it('is updated also where a look-up shows the same, if another value was written since: it may lag behind', async () => {
    const record = { ...live, fields: { firstName: version(-1) } };
    const world = createOperationWorld({ record, users: there() });
    await world.create({ ...SIGN_UP, profile: { firstName: 'Ada' } });
    expect(world.sent.update).toEqual([{ firstName: 'Ada' }]);
  });

  it('is believed to be there where the sign-up says nothing new', async () => {
    const record = { ...live, madeAt: NOW, fields: { firstName: version(1) } };
    const world = createOperationWorld({ record });
    expect((await world.create({ ...SIGN_UP, profile: { firstName: 'Ada' } })).outcome).toEqual(
      created(OURS, true),
    );
    expect(world.calls).toEqual([]);
  });

  it('who was moved to an instance that is not configured is not updated', async () => {
    const moved = [{ userId: OURS, clientId: 'c-1', instanceId: FOREIGN_INSTANCE_ID }];
    for (const madeAt of [NOW, undefined]) {
      const world = createOperationWorld({ record: { ...live, madeAt }, users: moved });
      const { outcome } = await world.create({ ...SIGN_UP, profile: { phone: '1' } });
      expect(outcome).toEqual(created(OURS, true));
      expect(world.calls).toEqual([`find ${OURS}`]);
    }
  });

  it('who has got the clientId lately is the one also where a look-up still shows the earlier one', async () => {
    const record = { ...live, created: version(-HOUR_MS), fields: { clientId: version(-1) } };
    const world = createOperationWorld({ record, users: [{ userId: OURS, clientId: 'before' }] });
    expect((await world.create(SIGN_UP)).outcome).toEqual(created(OURS, true));
    const longAgo = { ...record, fields: { clientId: version(-HOUR_MS + 1) } };
    const another = createOperationWorld({ record: longAgo, users: [{ userId: OURS, clientId: 'before' }] });
    expect((await another.create(SIGN_UP)).outcome).toEqual(created(derived('c-1', 1), false));
  });

  it('who turns out to be gone when it is updated is made anew', async () => {
    const world = createOperationWorld({ record: { ...live, madeAt: NOW } });
    const { outcome } = await world.create({ ...SIGN_UP, profile: { phone: '1' } });
    expect(world.calls).toEqual([`find ${OURS}`, `update ${OURS}`, `create ${derived('c-1', 1)}`]);
    expect(outcome).toEqual(created(derived('c-1', 1), false));
  });

  it.each(['rejected', 'timeout'] as const)('whose update ends as %s is not made anew', async (kind) => {
    const world = createOperationWorld({ record: { ...live, madeAt: NOW }, users: there() });
    world.fails('update', kind);
    await expect(world.create({ ...SIGN_UP, profile: { phone: '1' } })).rejects.toMatchObject({ kind });
    expect(world.users).toHaveLength(1);
  });

  it('is believed without an admin, and nothing of it is written', async () => {
    const world = createOperationWorld({ record: live, hasAdmin: false });
    const { outcome, recordUpdate } = await world.create({ ...SIGN_UP, profile: { phone: '1' } });
    expect([outcome, world.calls]).toEqual([created(OURS, true), []]);
    expect(recordUpdate?.record.fields).toEqual({});
  });

  it('under an id that Damoov chose is no answer to who asks for one of ours', async () => {
    const record = { state: 'stray', userId: A } as const;
    const world = createOperationWorld({ record, users: [{ userId: A, clientId: 'c-1' }] });
    const { outcome, recordUpdate } = await world.create(SIGN_UP);
    expect(outcome).toMatchObject({ code: 'unexpected-user-id', userId: OURS });
    expect([recordUpdate?.record.state, world.calls]).toEqual(['stray', []]);
  });

  it('under an id that Damoov chose serves where it may choose', async () => {
    const record = { state: 'stray', userId: A } as const;
    const options = { record, mode: 'assigned' } as const;
    const there = createOperationWorld({ ...options, users: [{ userId: A, clientId: 'c-1' }] });
    expect((await there.create(SIGN_UP)).outcome).toEqual(created(A, true));
    const gone = createOperationWorld(options);
    gone.answers(B);
    expect((await gone.create(SIGN_UP)).outcome).toEqual(created(B, false));
  });
});

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
    expect(recordUpdate?.record).toMatchObject({ ...known, state: 'stray', userId: A, isInDoubt: false });
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
});

describe.each(['conflict', 'rejected'] as const)('a create that is refused (%s)', (kind) => {
  it('finds its own user, which an earlier one has made', async () => {
    const world = createOperationWorld({ users: [{ userId: OURS, clientId: 'c-1' }] });
    world.fails('create', kind);
    expect((await world.create(SIGN_UP)).outcome).toEqual(created(OURS, true));
  });

  it('goes on with the next id where another sign-up has this one', async () => {
    const world = createOperationWorld({ users: [{ userId: OURS, clientId: 'c-2' }] });
    world.fails('create', kind);
    expect((await world.create(SIGN_UP)).outcome).toEqual(created(derived('c-1', 1), false));
  });

  it('fails where the id that the job names is another’s', async () => {
    const world = createOperationWorld({ users: [{ userId: A, clientId: 'c-2' }] });
    world.fails('create', kind);
    const { outcome } = await world.create({ ...SIGN_UP, userId: A });
    expect(outcome).toMatchObject({ code: 'user-mismatch', userId: A });
  });

  it('in doubt is looked for three times, each time later', async () => {
    const world = createOperationWorld({
      record: { isInDoubt: true },
      users: [{ userId: OURS, clientId: 'c-1' }],
      // Both look-ups before the create, and two after it.
      lag: 4,
    });
    world.fails('create', kind);
    expect((await world.create(SIGN_UP)).outcome).toEqual(created(OURS, true));
    expect(world.calls.slice(2)).toEqual([
      `create ${OURS}`,
      `find ${OURS}`,
      'pause 250',
      `find ${OURS}`,
      'pause 1000',
      `find ${OURS}`,
    ]);
  });

  it('and not in doubt is looked for once', async () => {
    const world = createOperationWorld();
    world.fails('create', kind);
    await world.create({ ...SIGN_UP, userId: A }).catch(() => {});
    expect(world.calls.slice(3)).toEqual([`create ${A}`, `find ${A}`]);
  });

  it('of a user that is gone when it is updated is no success', async () => {
    const world = createOperationWorld({ users: [{ userId: A, clientId: 'c-1' }] });
    world.fails('create', kind);
    world.fails('update', 'not-found', { status: 404 });
    const run = world.create({ ...SIGN_UP, userId: A, profile: { phone: '1' } });
    await expect(run).rejects.toMatchObject({ kind });
  });
});

describe('a sign-up that names the UserId of another clientId', () => {
  const another = { userId: A, state: 'live' } as const;
  const named = { ...SIGN_UP, userId: A };

  it.each([
    ['bears that one', [{ userId: A, clientId: 'before' }]],
    ['is not seen', []],
  ])('is a mismatch where the user %s', async (_what, users) => {
    for (const known of [another, { ...another, state: 'deleted' }, { userId: undefined }] as const) {
      const world = createOperationWorld({ users: [...users], others: { [A]: known }, ofOtherNames: [A] });
      const { outcome, recordUpdate } = await world.create(named);
      expect(outcome).toMatchObject({ status: 'failed', code: 'user-mismatch', userId: A });
      expect(recordUpdate).toBeUndefined();
      expect(world.calls).toEqual(['find c-1', `lock ${A}`, `find ${A}`]);
    }
  });

  it('is a mismatch where nobody can be looked up', async () => {
    const world = createOperationWorld({ others: { [A]: another }, ofOtherNames: [A], hasAdmin: false });
    expect((await world.create(named)).outcome).toMatchObject({ code: 'user-mismatch' });
    expect(world.calls).toEqual([`lock ${A}`]);
  });

  it('is its own where the user bears its clientId by now, and the other one is given up', async () => {
    const world = createOperationWorld({
      users: [{ userId: A, clientId: 'c-1' }],
      others: { [A]: another },
      ofOtherNames: [A],
    });
    const { outcome, recordUpdate } = await world.create(named);
    expect(outcome).toEqual(created(A, true));
    expect(recordUpdate).toMatchObject({ renamedTo: 'c-1', record: { userId: A, state: 'live' } });
  });
});

describe('a create that met a conflict', () => {
  it('in doubt, with nobody to be seen, is tried again later', async () => {
    const world = createOperationWorld({ record: { isInDoubt: true, doubtSince: NOW - 1 } });
    world.fails('create', 'conflict', { status: 409 });
    expect((await world.create(SIGN_UP)).outcome).toMatchObject({ status: 'retry' });
  });

  it('about an id that nobody has goes on with the next ones, up to the fifth', async () => {
    const world = createOperationWorld();
    for (let generation = 0; generation < 5; generation += 1) world.fails('create', 'conflict');
    expect((await world.create(SIGN_UP)).outcome).toEqual(created(derived('c-1', 5), false));
    const never = createOperationWorld();
    for (let generation = 0; generation < 9; generation += 1) never.fails('create', 'conflict');
    await expect(never.create(SIGN_UP)).rejects.toBeInstanceOf(DamoovError);
    expect(never.calls.filter((call) => call.startsWith('create'))).toHaveLength(6);
  });

  it('about an id that the job names fails', async () => {
    const world = createOperationWorld();
    world.fails('create', 'conflict');
    await expect(world.create({ ...SIGN_UP, userId: A })).rejects.toMatchObject({ kind: 'conflict' });
    expect(world.calls.slice(3)).toEqual([`create ${A}`, `find ${A}`]);
  });

  it('without an admin means that the user is there', async () => {
    const world = createOperationWorld({ hasAdmin: false });
    world.fails('create', 'conflict');
    expect((await world.create(SIGN_UP)).outcome).toEqual(created(OURS, true));
  });
});

describe('a create that was rejected', () => {
  it('fails where nobody has the id', async () => {
    const world = createOperationWorld();
    world.fails('create', 'rejected');
    await expect(world.create(SIGN_UP)).rejects.toMatchObject({ kind: 'rejected' });
    expect(world.calls).toHaveLength(2);
  });

  it('in doubt fails as well, as it is about something else than the id', async () => {
    const world = createOperationWorld({ record: { isInDoubt: true } });
    world.fails('create', 'rejected');
    await expect(world.create(SIGN_UP)).rejects.toMatchObject({ kind: 'rejected' });
  });

  it('without an admin fails for good, in doubt by saying that nobody knows', async () => {
    const plain = createOperationWorld({ hasAdmin: false });
    plain.fails('create', 'rejected');
    await expect(plain.create(SIGN_UP)).rejects.toMatchObject({ kind: 'rejected' });
    const inDoubt = createOperationWorld({ hasAdmin: false, record: { isInDoubt: true } });
    inDoubt.fails('create', 'rejected');
    expect((await inDoubt.create(SIGN_UP)).outcome).toMatchObject({ code: 'outcome-unknown', userId: OURS });
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

describe('an error of the session on the way', () => {
  it('to an update of the user does not mean that the user is gone', async () => {
    const record = { state: 'live', userId: OURS, madeAt: NOW } as const;
    const world = createOperationWorld({ record });
    world.fails('update', 'not-found', { on: 'login' });
    const run = world.create({ ...SIGN_UP, profile: { phone: '1' } });
    await expect(run).rejects.toMatchObject({ operation: 'login' });
    expect(world.calls).toEqual([`find ${OURS}`, `update ${OURS}`]);
  });

  it('to a create does not mean that its id is taken', async () => {
    const world = createOperationWorld();
    world.fails('create', 'conflict', { on: 'login' });
    await expect(world.create(SIGN_UP)).rejects.toMatchObject({ operation: 'login' });
    expect(world.calls).toEqual([`create ${OURS}`]);
  });
});
