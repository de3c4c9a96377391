import { describe, expect, it } from 'vitest';
import { updateBody } from '../../src/damoov/wire.ts';
import { FIELDS } from '../../src/operations/context.ts';
import { toUserChanges } from '../../src/operations/newer-knowledge.ts';
import type { Version } from '../../src/contract/version.ts';
import { createPipelineWorld } from '../lifecycle/pipeline-world.ts';
import { A, NOW, OURS, SIGN_UP, created, createOperationWorld, derived, version } from './operation-world.ts';

/** A field that has no place on the wire would never be written, and be said to be. */
it('every field of a job has its place at Damoov', async () => {
  const values = { gender: 'male', maritalStatus: 'single', childrenCount: 2, status: 'active' } as const;
  for (const field of FIELDS) {
    const value = field.startsWith('settings.') ? true : ((values as Record<string, unknown>)[field] ?? 'x');
    const changes = toUserChanges({ [field]: value });
    expect([field, Object.keys(updateBody(changes)).length]).toEqual([field, 1]);
  }
});

const written = version(0).replace('other', 'job') as Version;
const PROFILE = {
  firstName: 'Ada',
  gender: 'female',
  childrenCount: 3,
  city: 'London',
  country: 'GB',
} as const;
const SETTINGS = { tracking: true, logging: false };

describe('a sign-up with fields that a create does not take', () => {
  it('writes them right after it, and remembers all of them', async () => {
    const world = createOperationWorld();
    const { outcome, recordUpdate } = await world.create({
      ...SIGN_UP,
      profile: PROFILE,
      settings: SETTINGS,
    });
    expect(world.calls).toEqual([`create ${OURS}`, `update ${OURS}`]);
    const { city, country, ...taken } = PROFILE;
    expect(world.sent.create).toEqual([
      { clientId: 'c-1', ...taken, settings: SETTINGS, createAccessToken: false },
    ]);
    expect(world.sent.update).toEqual([{ city, country }]);
    expect(outcome).toEqual(created(OURS, false));
    const names = [...Object.keys(PROFILE), 'clientId', 'settings.tracking', 'settings.logging'];
    expect(recordUpdate?.record.fields).toEqual(Object.fromEntries(names.map((name) => [name, written])));
  });

  it('without an admin leaves them out, and does not remember them as written', async () => {
    const world = createOperationWorld({ hasAdmin: false });
    const { outcome, recordUpdate } = await world.create({ ...SIGN_UP, profile: { city: 'London' } });
    expect([world.calls, outcome]).toEqual([[`create ${OURS}`], created(OURS, false)]);
    expect(recordUpdate?.record.fields).toEqual({ clientId: written });
  });

  it('does without the update where it has none of them', async () => {
    const world = createOperationWorld();
    await world.create({ ...SIGN_UP, profile: { address: '1 Elm Street' }, settings: SETTINGS });
    expect(world.calls).toEqual([`create ${OURS}`]);
  });

  it.each([
    ['server', 'wait', 503],
    ['not-found', 'wait', 404],
    ['rejected', 'fail', 422],
  ] as const)('whose update is answered %s keeps the user that it has made', async (kind, next, status) => {
    const world = createPipelineWorld();
    world.damoov.fails('update', kind, { status });
    const decision = await world.run('create-user', { clientId: 'c-1', profile: { city: 'London' } });
    expect(decision.next).toBe(next);
    const [ended] = next === 'fail' ? world.settled : world.unlock.map((recordUpdate) => ({ recordUpdate }));
    expect(ended?.recordUpdate.record).toMatchObject({
      userId: derived(),
      state: 'live',
      isInDoubt: false,
      fields: { clientId: written },
    });
    expect(ended?.recordUpdate.record.fields).not.toHaveProperty('city');
  });

  it.each([
    ['login-refused', 'login'],
    ['login-barred', 'login'],
    ['network', 'refresh'],
  ] as const)('whose update meets %s of the session knows the user that it has made', async (kind, on) => {
    const world = createPipelineWorld();
    world.damoov.fails('update', kind, { on });
    await world.run('create-user', { clientId: 'c-1', profile: { city: 'London' } });
    expect(world.damoov.calls).toEqual([`create ${OURS}`, `update ${OURS}`]);
    expect(world.unlock).toMatchObject([{ record: { userId: OURS, state: 'live', isInDoubt: false } }]);
  });

  it('that an unexpected error cuts off has to look its user up before another create', async () => {
    const world = createPipelineWorld();
    const { client } = world.pipeline.ports;
    const updateUser = () => Promise.reject(new Error('nobody foresaw this'));
    Object.assign(world.pipeline.ports, { client: { ...client, updateUser } });
    await world.run('create-user', { clientId: 'c-1', profile: { city: 'London' } });
    expect(world.unlock).toMatchObject([{ record: { isInDoubt: true, doubtAbout: ['derived:0'] } }]);
  });

  it.each([0, 1])(
    'that is answered twice that there is no such user makes no second one (lag %i)',
    async (lag) => {
      const first = createPipelineWorld();
      first.damoov.fails('update', 'not-found', { status: 404 });
      await first.run('create-user', { clientId: 'c-1', profile: { city: 'London' } });
      const record = first.unlock[0]?.record ?? {};
      const second = createPipelineWorld({ damoov: { users: first.damoov.users, lag }, record });
      second.damoov.fails('update', 'not-found', { status: 404 });
      const { next } = await second.run('create-user', { clientId: 'c-1', profile: { city: 'London' } });
      expect([next, second.damoov.users.length]).toEqual(['wait', 1]);
    },
  );

  it('fails with the id of its user where Damoov refuses them', async () => {
    const world = createPipelineWorld();
    world.damoov.fails('update', 'rejected', { status: 422 });
    await world.run('create-user', { clientId: 'c-1', profile: { city: 'London' } });
    expect(world.published).toMatchObject([
      { type: 'user.failed', data: { code: 'rejected', userId: OURS } },
    ]);
  });

  it('writes them when it comes again, and makes no second user', async () => {
    const world = createOperationWorld({
      record: { state: 'live', userId: OURS, lastSeenAt: NOW, fields: { clientId: written } },
      users: [{ userId: OURS, clientId: 'c-1' }],
    });
    const { outcome, recordUpdate } = await world.create({ ...SIGN_UP, profile: { city: 'London' } });
    expect(world.calls).toEqual([`find ${OURS}`, `update ${OURS}`]);
    expect(outcome).toEqual(created(OURS, true));
    expect(recordUpdate?.record.fields).toMatchObject({ city: written });
  });
});

describe('the settings and the status of a user', () => {
  const live = { state: 'live', userId: A } as const;
  const there = () => [{ userId: A, clientId: 'c-1' }];

  it('are written each for itself, unless a newer value is known', async () => {
    const world = createOperationWorld({
      record: { ...live, fields: { 'settings.tracking': version(1), status: version(-1) } },
      users: there(),
    });
    const changes = { settings: { tracking: true, logging: true }, status: 'deactivated' } as const;
    const { outcome, recordUpdate } = await world.update({ clientId: 'c-1', instance: 'default', changes });
    expect(world.sent.update).toEqual([{ settings: { logging: true }, status: 'deactivated' }]);
    expect(outcome).toMatchObject({ changed: ['settings.logging', 'status'] });
    expect(recordUpdate?.record.fields).toEqual({
      'settings.tracking': version(1),
      'settings.logging': written,
      status: written,
    });
  });

  it('are not written again by a sign-up where they are as they should be', async () => {
    const user = {
      userId: OURS,
      clientId: 'c-1',
      settings: { tracking: true, logging: false, enabled: true },
    };
    const world = createOperationWorld({ record: { isInDoubt: true, doubtSince: NOW }, users: [user] });
    await world.create({ ...SIGN_UP, settings: { tracking: true, logging: false } });
    expect(world.calls).toEqual([`find ${OURS}`]);
    const other = createOperationWorld({ record: { isInDoubt: true, doubtSince: NOW }, users: [user] });
    await other.create({ ...SIGN_UP, settings: { tracking: false } });
    expect(other.sent.update).toEqual([{ settings: { tracking: false } }]);
  });
});
