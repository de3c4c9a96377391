/** A user is who it is: also where others have moved it to another instance. */
import { describe, expect, it } from 'vitest';
import { forgetUsers } from '../support/forget-users.ts';
import { OTHER } from '../support/instances.ts';
import { createTwoInstances } from '../support/two-instances.ts';
import { adminOf, live } from './client-ids-world.ts';

/** A user of the default instance, whom others move to the other one. */
async function createMover(knowsOther: boolean) {
  const world = await createTwoInstances({ knowsOther });
  const created = await world.run('create-user', { clientId: 'mover', profile: { phone: '1' } });
  const userId = created.subject ?? '';
  const move = async () => {
    const admin = await adminOf(world);
    const moved = await admin.move({ DeviceToken: userId, ToInstanceId: OTHER.id, ToInstanceKey: OTHER.key });
    expect(moved.status).toBe(200);
  };
  return { world, userId, move };
}

describe('a user that was moved to another instance', () => {
  it.each([true, false])(
    'is not reported as erased (remembered: %s), and it is said where it is',
    async (isRemembered) => {
      const { world, userId, move } = await createMover(true);
      await move();
      if (!isRemembered) await forgetUsers(world);
      // It was added so long ago that it does not wait for a move.
      const timestamp = Date.now() - 3_600_000;
      const deletion = { clientId: 'mover', occurredAt: new Date().toISOString() };
      const gone = await world.run('delete-user', deletion, { timestamp });
      expect(gone).toMatchObject({ type: 'user.failed', data: { code: 'other-instance', userId } });
      expect(gone.data).toHaveProperty('message', expect.stringContaining('instance "other"'));
      expect(await live(world)).toHaveLength(1);
    },
  );

  it('is the same for a repeated sign-up, and no second one is made', async () => {
    const { world, userId, move } = await createMover(true);
    await move();
    const again = await world.run('create-user', { clientId: 'mover', profile: { phone: '2' } });
    expect(again).toMatchObject({ type: 'user.created', subject: userId, data: { existed: true } });
    expect(await live(world)).toMatchObject([{ deviceToken: userId, phone: '2' }]);
  });

  it('is changed and deleted by its UserId', async () => {
    const { world, userId, move } = await createMover(true);
    await move();
    await forgetUsers(world);
    const changed = await world.run('update-user', { userId, changes: { phone: '3' } });
    expect(changed).toMatchObject({ type: 'user.updated', subject: userId });
    const byClientId = await world.run('update-user', {
      clientId: 'nobody-knows',
      userId,
      changes: { phone: '4' },
    });
    expect(byClientId).toMatchObject({ type: 'user.updated' });
    const gone = await world.run('delete-user', { userId });
    expect(gone).toMatchObject({ type: 'user.deleted', data: { existed: true, verified: true } });
    expect(await live(world)).toEqual([]);
  });

  it.each([true, false])(
    'is not changed by its clientId alone (the other instance is configured: %s)',
    async (knows) => {
      const { world, userId, move } = await createMover(knows);
      await move();
      const changed = await world.run('update-user', { clientId: 'mover', changes: { phone: '3' } });
      expect(changed).toMatchObject({ type: 'user.failed', data: { code: 'other-instance', userId } });
      const byId = await world.run('update-user', { userId, changes: { firstName: 'Eve' } });
      expect(byId.type).toBe(knows ? 'user.updated' : 'user.failed');
      const again = await world.run('create-user', { clientId: 'mover', profile: { phone: '4' } });
      expect(again).toMatchObject({ type: 'user.created', subject: userId, data: { existed: true } });
      expect(await live(world)).toMatchObject([{ phone: knows ? '4' : '1' }]);
    },
  );

  it('gives up its clientId here with a rename there', async () => {
    const { world, userId, move } = await createMover(true);
    await move();
    const changes = { clientId: 'moved' };
    const renamed = await world.run('update-user', { userId, instance: 'other', changes });
    expect(renamed).toMatchObject({ type: 'user.updated', subject: userId });
    const there = await world.run('create-user', { clientId: 'moved', instance: 'other' });
    expect(there).toMatchObject({ type: 'user.created', subject: userId, data: { existed: true } });
    const here = await world.run('create-user', { clientId: 'mover' });
    expect(here.data).not.toHaveProperty('existed');
    expect((await live(world)).map(({ clientId }) => clientId)).toEqual(['moved', 'mover']);
  });

  it('is nobody’s to change in an instance that is not configured', async () => {
    const { world, userId, move } = await createMover(false);
    await move();
    await forgetUsers(world);
    const jobs = [
      ['update-user', { userId, changes: { phone: '5' } }],
      ['delete-user', { userId }],
      ['create-user', { userId, profile: { phone: '5' } }],
      ['update-user', { clientId: 'mover', changes: { phone: '5' } }],
    ] as const;
    for (const [name, data] of jobs) {
      const event = await world.run(name, data);
      expect(event, name).toMatchObject({ type: 'user.failed', data: { code: 'other-instance' } });
      expect(event.data).toHaveProperty('message', expect.stringContaining('not configured'));
    }
    expect(await live(world)).toMatchObject([{ phone: '1' }]);
  });
});
