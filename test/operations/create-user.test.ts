import { describe, expect, it } from 'vitest';
import { deriveUserId } from '../../src/operations/derive-user-id.ts';
import {
  A,
  B,
  FOREIGN_INSTANCE_ID,
  HOUR_MS,
  INSTANCE,
  MINUTE_MS,
  NOW,
  OURS,
  SIGN_UP,
  createOperationWorld,
  created,
  derived,
  version,
} from './operation-world.ts';

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
        lastSeenAt: NOW,
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
      message: `requested user ${OURS}, Damoov has user ${A}`,
      userId: OURS,
    });
    expect(recordUpdate?.record).toMatchObject({ userId: A, state: 'mismatched', isInDoubt: false });
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

  it('under the deleted id is no success until a look-up after it shows the user', async () => {
    const nameless = { ...SIGN_UP, clientId: undefined, userId: A };
    const record = { state: 'deleted', userId: A, deleted: version(-1) } as const;
    const seen = createOperationWorld({ record, lag: 3 });
    expect((await seen.create(nameless)).outcome).toEqual(created(A, false));
    const find = `find ${A}`;
    expect(seen.calls).toEqual([find, `create ${A}`, find, 'pause 250', find, 'pause 1000', find]);
    const unseen = createOperationWorld({ record, lag: 4 });
    expect((await unseen.create(nameless)).outcome).toMatchObject({ code: 'outcome-unknown', userId: A });
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
    const lastSeenAt = ageMs === undefined ? undefined : NOW - ageMs;
    const world = createOperationWorld({ record: { ...live, lastSeenAt }, users: there() });
    const { outcome, recordUpdate } = await world.create(SIGN_UP);
    expect(world.calls).toEqual(calls);
    expect(outcome).toEqual(created(OURS, true));
    expect(recordUpdate?.record).toMatchObject({ state: 'live', created: `${NOW} 0 job`, lastSeenAt: NOW });
  });

  it('is looked up where the job names an id itself, however young', async () => {
    const record = { ...live, lastSeenAt: NOW };
    const world = createOperationWorld({ record, users: [{ userId: OURS, clientId: 'c-9' }] });
    const { outcome } = await world.create({ ...SIGN_UP, userId: OURS });
    expect(outcome).toMatchObject({ status: 'failed', code: 'user-mismatch', userId: OURS });
    expect(world.calls).toEqual([`find ${OURS}`]);
  });

  it('who is not the one that the job names is no answer', async () => {
    const world = createOperationWorld({ record: { ...live, lastSeenAt: NOW }, users: there() });
    const { outcome } = await world.create({ ...SIGN_UP, userId: A });
    expect(outcome).toMatchObject({ status: 'failed', code: 'unexpected-user-id', userId: A });
    expect(world.calls).toEqual([]);
  });

  it('who is gone is made anew, as the next one', async () => {
    const fields = { phone: version(5) };
    const world = createOperationWorld({ record: { ...live, fields } });
    const { outcome, recordUpdate } = await world.create({ ...SIGN_UP, profile: { phone: '1' } });
    expect(outcome).toEqual(created(derived('c-1', 1), false));
    // Fields written for the deleted user do not count for the new one.
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
    const record = { ...live, lastSeenAt: NOW, fields: { phone: version(1), email: version(-1) } };
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
    const record = { ...live, lastSeenAt: NOW, fields: { firstName: version(1) } };
    const world = createOperationWorld({ record });
    expect((await world.create({ ...SIGN_UP, profile: { firstName: 'Ada' } })).outcome).toEqual(
      created(OURS, true),
    );
    expect(world.calls).toEqual([]);
  });

  it('who was moved to an instance that is not configured is not updated', async () => {
    const moved = [{ userId: OURS, clientId: 'c-1', instanceId: FOREIGN_INSTANCE_ID }];
    for (const lastSeenAt of [NOW, undefined]) {
      const world = createOperationWorld({ record: { ...live, lastSeenAt }, users: moved });
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

  it('whom its update does not find is made anew only once look-ups do not lag any more', async () => {
    const young = createOperationWorld({ record: { ...live, lastSeenAt: NOW } });
    const { outcome } = await young.create({ ...SIGN_UP, profile: { phone: '1' } });
    expect(young.calls).toEqual([`find ${OURS}`, `update ${OURS}`]);
    expect(outcome).toMatchObject({ status: 'wait' });
    const old = createOperationWorld({ record: live, users: there() });
    old.fails('update', 'not-found', { status: 404 });
    expect((await old.create({ ...SIGN_UP, profile: { phone: '1' } })).outcome.status).toBe('retry');
    expect(old.calls).toEqual([`find ${OURS}`, `update ${OURS}`, `find ${OURS}`]);
  });

  it.each(['rejected', 'timeout'] as const)('whose update ends as %s is not made anew', async (kind) => {
    const world = createOperationWorld({ record: { ...live, lastSeenAt: NOW }, users: there() });
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
    const record = { state: 'mismatched', userId: A } as const;
    const world = createOperationWorld({ record, users: [{ userId: A, clientId: 'c-1' }] });
    const { outcome, recordUpdate } = await world.create(SIGN_UP);
    expect(outcome).toMatchObject({ code: 'unexpected-user-id', userId: OURS });
    expect([recordUpdate?.record.state, world.calls]).toEqual(['mismatched', []]);
  });

  it('under an id that Damoov chose serves where it may choose', async () => {
    const record = { state: 'mismatched', userId: A } as const;
    const options = { record, mode: 'assigned' } as const;
    const there = createOperationWorld({ ...options, users: [{ userId: A, clientId: 'c-1' }] });
    expect((await there.create(SIGN_UP)).outcome).toEqual(created(A, true));
    const gone = createOperationWorld(options);
    gone.answers(B);
    expect((await gone.create(SIGN_UP)).outcome).toEqual(created(B, false));
  });
});
