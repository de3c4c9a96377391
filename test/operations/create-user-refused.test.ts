import { describe, expect, it } from 'vitest';
import { DamoovError } from '../../src/damoov/errors.ts';
import { A, HOUR_MS, NOW, OURS, SIGN_UP, createOperationWorld, created, derived } from './operation-world.ts';

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

  it('of a user that its update does not find, and look-ups do, is no success', async () => {
    const world = createOperationWorld({ users: [{ userId: A, clientId: 'c-1' }] });
    world.fails('create', kind);
    world.fails('update', 'not-found', { status: 404 });
    const { outcome } = await world.create({ ...SIGN_UP, userId: A, profile: { phone: '1' } });
    expect(outcome.status).toBe('retry');
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

  it('in doubt, with nobody to be seen after the lag, goes on with the next id', async () => {
    const world = createOperationWorld({ record: { isInDoubt: true, doubtSince: NOW - HOUR_MS } });
    world.fails('create', 'conflict', { status: 409 });
    expect((await world.create(SIGN_UP)).outcome).toEqual(created(derived('c-1', 1), false));
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

describe('an error of the session on the way', () => {
  it('to an update of the user does not mean that the user is gone', async () => {
    const record = { state: 'live', userId: OURS, lastSeenAt: NOW } as const;
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
