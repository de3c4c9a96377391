import { describe, expect, it } from 'vitest';
import { type World, createWorld } from '../support/world.ts';

const create = (world: World, clientId: string, firstName: string) =>
  world.run('create-user', { clientId, profile: { firstName } });
const rename = (world: World, from: string, to: string) =>
  world.run('update-user', { clientId: from, changes: { clientId: to } });
const live = async (world: World) =>
  Object.fromEntries(
    (await world.users()).flatMap((user) =>
      user.deletedAt === null ? [[user.clientId, [user.deviceToken, user.firstName]]] : [],
    ),
  );

describe('a clientId that a user has given up', () => {
  it('is free for somebody else, who is another user', async () => {
    const world = await createWorld();
    const ada = await create(world, 'old', 'Ada');
    await rename(world, 'old', 'new');
    const bob = await create(world, 'old', 'Bob');
    expect(bob.data).not.toHaveProperty('existed');
    expect(await live(world)).toEqual({ new: [ada.subject, 'Ada'], old: [bob.subject, 'Bob'] });
  });

  it('is free also where the update named the user by the userId', async () => {
    const world = await createWorld();
    const ada = await create(world, 'old', 'Ada');
    await world.run('update-user', { userId: ada.subject, changes: { clientId: 'new' } });
    const bob = await create(world, 'old', 'Bob');
    expect(await live(world)).toEqual({ new: [ada.subject, 'Ada'], old: [bob.subject, 'Bob'] });
  });

  it('can be taken by another user: two users swap theirs', async () => {
    const world = await createWorld();
    const a = await create(world, 'a', 'A');
    const b = await create(world, 'b', 'B');
    await rename(world, 'a', 'between');
    await rename(world, 'b', 'a');
    await rename(world, 'between', 'b');
    const update = await world.run('update-user', { clientId: 'b', changes: { phone: '1' } });
    expect(update.subject).toBe(a.subject);
    expect(await live(world)).toEqual({ b: [a.subject, 'A'], a: [b.subject, 'B'] });
  });

  it('that belonged to a deleted user before leads to the new one', async () => {
    const world = await createWorld();
    await create(world, 'd', 'D');
    await world.run('delete-user', { clientId: 'd' });
    const c = await create(world, 'c', 'C');
    await rename(world, 'c', 'd');
    const update = await world.run('update-user', { clientId: 'd', changes: { phone: '1' } });
    expect(update.subject).toBe(c.subject);
    const next = await create(world, 'c', 'Next');
    expect(await live(world)).toEqual({ d: [c.subject, 'C'], c: [next.subject, 'Next'] });
  });

  it('is not handed to an older update that was meant for the user before', async () => {
    const world = await createWorld();
    const at = (seconds: number) => ({
      occurredAt: new Date(Date.now() - 60_000 + seconds * 1000).toISOString(),
    });
    await world.run('create-user', { clientId: 'c', ...at(1) });
    await world.run('update-user', { clientId: 'c', changes: { clientId: 'd' }, ...at(5) });
    await world.run('create-user', { clientId: 'c', profile: { firstName: 'Next' }, ...at(10) });
    const late = await world.run('update-user', { clientId: 'c', changes: { firstName: 'Late' }, ...at(3) });
    expect(late.type).toBe('user.superseded');
    expect(await live(world)).toMatchObject({ c: [expect.any(String), 'Next'] });
  });

  it('of a user deleted longer ago than anybody remembers gets the next user, where Damoov says that the id is taken', async () => {
    const world = await createWorld({ modes: { duplicateToken: '409' } });
    const first = await create(world, 'c', 'First');
    await world.run('delete-user', { clientId: 'c' });
    await world.redis.del(...(await world.redis.keys(`${world.prefix}:user:*`)));
    const second = await create(world, 'c', 'Second');
    expect(second.subject).not.toBe(first.subject);
    expect(await live(world)).toEqual({ c: [second.subject, 'Second'] });
  });

  it('still has the first user where the records are gone: whoever signs up gets another', async () => {
    const world = await createWorld();
    const ada = await create(world, 'old', 'Ada');
    await rename(world, 'old', 'new');
    const keys = await world.redis.keys(`${world.prefix}:user:*`);
    await world.redis.del(...keys);
    await world.setModes({ duplicateToken: '409' });
    const bob = await create(world, 'old', 'Bob');
    expect(await live(world)).toEqual({ new: [ada.subject, 'Ada'], old: [bob.subject, 'Bob'] });
  });
});
