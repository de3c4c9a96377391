/** A user is who it is: under a clientId kept in another form, or under a name that another user wants. */
import { describe, expect, it } from 'vitest';
import { forgetUsers } from '../support/forget-users.ts';
import { createWorld } from '../support/world.ts';
import { adminOf, live } from './client-ids-world.ts';

const X = 'aaaaaaaa-0000-4000-8000-000000000001';

describe('one clientId has one user', () => {
  it.each([true, false])(
    'also where a second sign-up names a UserId (remembered: %s)',
    async (isRemembered) => {
      const world = await createWorld();
      const first = await world.run('create-user', { clientId: 'a' });
      if (!isRemembered) await forgetUsers(world);
      const second = await world.run('create-user', { clientId: 'a', userId: X });
      expect(second).toMatchObject({ type: 'user.failed', data: { code: 'unexpected-user-id' } });
      expect(second.data).toHaveProperty('message', expect.stringContaining(first.subject ?? ''));
      expect(await live(world)).toHaveLength(1);
    },
  );

  it('and a sign-up that names the user of another one changes nothing about that', async () => {
    const world = await createWorld();
    const first = await world.run('create-user', { clientId: 'a' });
    const named = await world.run('create-user', { clientId: 'b', userId: first.subject });
    expect(named).toMatchObject({ type: 'user.failed', data: { code: 'user-mismatch' } });
    const changed = await world.run('update-user', { clientId: 'a', changes: { phone: '1' } });
    expect(changed).toMatchObject({ type: 'user.updated', subject: first.subject });
    const second = await world.run('create-user', { clientId: 'b' });
    expect(second.data).not.toHaveProperty('existed');
    expect(second.subject).not.toBe(first.subject);
    expect((await live(world)).map(({ clientId }) => clientId)).toEqual(['a', 'b']);
  });

  it('also where two such sign-ups run at once', async () => {
    const world = await createWorld({ modes: { latencyMs: 20 } });
    const ids = await Promise.all([
      world.add('create-user', { clientId: 'a' }),
      world.add('create-user', { clientId: 'a', userId: X }),
    ]);
    const events = await Promise.all(ids.map((id) => world.eventOf(id)));
    expect(events.map(({ type }) => type).sort()).toEqual(['user.created', 'user.failed']);
    expect(await live(world)).toHaveLength(1);
  });

  it.each([true, false])(
    'also where another user is to be renamed to it (remembered: %s)',
    async (isRemembered) => {
      const world = await createWorld();
      const c = await world.run('create-user', { clientId: 'c' });
      const d = await world.run('create-user', { clientId: 'd' });
      if (!isRemembered) await forgetUsers(world);
      const ids = [{ clientId: 'd' }, { userId: d.subject }];
      for (const id of ids) {
        const event = await world.run('update-user', { ...id, changes: { clientId: 'c' } });
        const message = `user ${c.subject} has the clientId that user ${d.subject} was to get`;
        expect(event).toMatchObject({ type: 'user.failed', data: { code: 'client-id-taken', message } });
      }
      expect((await live(world)).map(({ clientId }) => clientId)).toEqual(['c', 'd']);
    },
  );

  it('also while both are renamed and a new user signs up under it, all at once', async () => {
    const world = await createWorld({ modes: { latencyMs: 20 } });
    await world.run('create-user', { clientId: 'c' });
    await world.run('create-user', { clientId: 'd' });
    const ids = await Promise.all([
      world.add('update-user', { clientId: 'c', changes: { clientId: 'e' } }),
      world.add('update-user', { clientId: 'd', changes: { clientId: 'e' } }),
      world.add('create-user', { clientId: 'e' }),
    ]);
    await Promise.all(ids.map((id) => world.eventOf(id)));
    const bearers = (await live(world)).filter(({ clientId }) => clientId === 'e');
    expect(bearers).toHaveLength(1);
  });

  it('and a swap of two names fails, and names both users', async () => {
    const world = await createWorld();
    const [a, b] = [
      await world.run('create-user', { clientId: 'a' }),
      await world.run('create-user', { clientId: 'b' }),
    ];
    const ids = await Promise.all([
      world.add('update-user', { clientId: 'a', changes: { clientId: 'b' } }),
      world.add('update-user', { clientId: 'b', changes: { clientId: 'a' } }),
    ]);
    for (const id of ids) {
      const { data } = await world.eventOf(id);
      expect(data).toMatchObject({ code: 'client-id-taken' });
      expect(data).toHaveProperty('message', expect.stringContaining(a.subject ?? ''));
      expect(data).toHaveProperty('message', expect.stringContaining(b.subject ?? ''));
    }
    expect((await live(world)).map(({ clientId }) => clientId)).toEqual(['a', 'b']);
  });
});

describe('a clientId beside the userId, which is the address', () => {
  it.each([true, false])('leads nobody to that user (remembered: %s)', async (isRemembered) => {
    const world = await createWorld();
    const { subject: userId } = await world.run('create-user', {
      clientId: 'a',
      profile: { firstName: 'Ada' },
    });
    if (!isRemembered) await forgetUsers(world);
    await world.run('update-user', { userId, clientId: 'b', changes: { phone: '1' } });
    const other = await world.run('create-user', { clientId: 'b', profile: { firstName: 'Bob' } });
    expect(other).toMatchObject({ type: 'user.created' });
    expect(other.subject).not.toBe(userId);
    expect(await live(world)).toMatchObject([
      { clientId: 'a', firstName: 'Ada' },
      { clientId: 'b', firstName: 'Bob' },
    ]);
  });

  it('opens no way around a clientId that is taken, and is not taken for the old one', async () => {
    const world = await createWorld();
    await world.run('create-user', { clientId: 'c' });
    const { subject: userId } = await world.run('create-user', { clientId: 'd' });
    const taken = await world.run('update-user', { userId, clientId: 'c', changes: { clientId: 'c' } });
    expect(taken).toMatchObject({ type: 'user.failed', data: { code: 'client-id-taken' } });
    await world.run('update-user', { userId, clientId: 'wrong', changes: { clientId: 'e' } });
    const next = await world.run('create-user', { clientId: 'd' });
    expect(next.subject).not.toBe(userId);
    const bearers = (await live(world)).map(({ clientId }) => clientId);
    expect(new Set(bearers)).toEqual(new Set(['c', 'd', 'e']));
    expect(bearers).toHaveLength(3);
  });
});

describe('an id that a sign-up names', () => {
  it('and that a deleted user had is not said to be there', async () => {
    const world = await createWorld();
    await world.run('create-user', { clientId: 'a', userId: X });
    await world.run('delete-user', { clientId: 'a' });
    const again = await world.run('create-user', { clientId: 'a', userId: X });
    expect(again).toMatchObject({ type: 'user.failed', data: { code: 'outcome-unknown' } });
    expect(await live(world)).toEqual([]);
  });

  it('and that no look-up shows yet is waited for', async () => {
    const world = await createWorld({ modes: { findLagMs: 500 }, timings: { lagMs: 60_000 } });
    await world.run('create-user', { userId: X });
    const adopted = await world.run('create-user', { clientId: 'b', userId: X, profile: { phone: '7' } });
    expect(adopted).toMatchObject({ type: 'user.created', data: { existed: true } });
    expect(await live(world)).toMatchObject([{ clientId: 'b', phone: '7' }]);
  });
});

describe('a user without a clientId that a sign-up adopts', () => {
  it.each(['ours', 'of others'])('(%s) gets it, and is found by it', async (whose) => {
    const world = await createWorld();
    const userId = whose === 'ours' ? X : await world.signUpElsewhere();
    if (whose === 'ours') await world.run('create-user', { userId });
    const adopted = await world.run('create-user', { clientId: 'b', userId });
    expect(adopted).toMatchObject({ type: 'user.created', subject: userId, data: { existed: true } });
    expect(await live(world)).toMatchObject([{ deviceToken: userId, clientId: 'b' }]);
    await forgetUsers(world);
    const gone = await world.run('delete-user', { clientId: 'b' });
    expect(gone).toMatchObject({ type: 'user.deleted', data: { existed: true, verified: true } });
    expect(await live(world)).toEqual([]);
  });

  it('is deleted also where others have taken the clientId from it', async () => {
    const world = await createWorld();
    const { subject } = await world.run('create-user', { clientId: 'b' });
    await (await adminOf(world)).update(subject ?? '', { UserFields: { ClientId: null } });
    const gone = await world.run('delete-user', { clientId: 'b' });
    expect(gone).toMatchObject({ type: 'user.deleted', subject, data: { existed: true, verified: true } });
    expect(await live(world)).toEqual([]);
  });

  it('and one that others have given another clientId is not', async () => {
    const world = await createWorld();
    const { subject } = await world.run('create-user', { clientId: 'b' });
    await (await adminOf(world)).update(subject ?? '', { UserFields: { ClientId: 'z' } });
    const gone = await world.run('delete-user', { clientId: 'b' });
    expect(gone).toMatchObject({ type: 'user.failed', data: { code: 'user-mismatch', userId: subject } });
    expect(await live(world)).toHaveLength(1);
  });
});

describe('a Damoov that does not keep a clientId to the letter', () => {
  it.each([true, false])(
    'has one user of a sign-up, and none after its deletion (remembered: %s)',
    async (isRemembered) => {
      const world = await createWorld({ modes: { clientIdForm: 'lower' } });
      const first = await world.run('create-user', { clientId: 'Customer-1' });
      if (!isRemembered) await forgetUsers(world);
      const again = await world.run('create-user', { clientId: 'Customer-1', profile: { phone: '1' } });
      expect(again.subject).toBe(first.subject);
      expect(await live(world)).toMatchObject([{ clientId: 'customer-1' }]);
      if (!isRemembered) await forgetUsers(world);
      const gone = await world.run('delete-user', { clientId: 'Customer-1' });
      expect(gone).toMatchObject({ type: 'user.deleted', data: { existed: true, verified: true } });
      expect(await live(world)).toEqual([]);
    },
  );

  it('has one user also where the reply of its create was lost', async () => {
    const world = await createWorld({ modes: { clientIdForm: 'lower', commitThenDropRate: 1 } });
    const id = await world.add('create-user', { clientId: 'Customer-1' });
    await expect.poll(async () => (await world.requests('create')).length).toBeGreaterThan(0);
    await world.setModes({ commitThenDropRate: 0 });
    expect(await world.eventOf(id)).toMatchObject({ type: 'user.created' });
    expect(await world.users()).toHaveLength(1);
  });
});

describe('a look-up that lags behind a young create', () => {
  it('proves nothing: the deletion waits until it shows the user', async () => {
    const world = await createWorld({ modes: { findLagMs: 700 }, timings: { lagMs: 60_000 } });
    await world.run('create-user', { clientId: 'c-1' });
    const gone = await world.run('delete-user', { clientId: 'c-1' });
    expect(gone).toMatchObject({ type: 'user.deleted', data: { existed: true, verified: true } });
    expect(await live(world)).toEqual([]);
    expect(await world.requests('delete')).toHaveLength(1);
  });
});
