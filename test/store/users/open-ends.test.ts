import type { Job } from 'bullmq';
import { describe, expect, it } from 'vitest';
import type { UserRecord } from '../../../src/operations/context.ts';
import { type UserStateWorld, createUserStateWorld, userId } from './user-state-world.ts';

/** A create, or another job, that is cut off. */
async function cutOff(
  world: UserStateWorld,
  asksFor?: string,
  name: 'create-user' | 'move-user' = 'create-user',
) {
  const job: Job = await world.start(name);
  const { record } = await world.take(job, undefined, asksFor === undefined ? {} : { asksFor });
  await world.loseLock(job);
  return record;
}

const doubtOf = async (world: UserStateWorld) => (await world.take(await world.start())).record.doubtAbout;

describe('the doubt that creates leave', () => {
  it.each([
    { asked: ['a'], about: ['a'] },
    { asked: ['a', 'b'], about: ['a', 'b'] },
    { asked: ['a', 'b', 'a'], about: ['a', 'b'] },
    { asked: ['ab', 'a', 'b', 'ab'], about: ['ab', 'a', 'b'] },
  ])('after $asked is about each id once', async ({ asked, about }) => {
    const world = await createUserStateWorld();
    for (const asksFor of asked) await cutOff(world, asksFor);
    expect(await doubtOf(world)).toEqual(about);
  });

  it('is about the same ids after a run that has sent nothing, and then about those of the next one, too', async () => {
    const world = await createUserStateWorld();
    await cutOff(world, 'a');
    const user = await world.take(await world.start('create-user'), undefined, { asksFor: 'b' });
    await user.unlock({ record: user.record });
    expect((await world.recordOf({ clientId: 'c-1' })).doubtAbout).toEqual(['a']);
    await cutOff(world, 'c');
    expect(await doubtOf(world)).toEqual(['a', 'c']);
  });

  it('is the earlier one for the run itself, also where it asks again', async () => {
    const world = await createUserStateWorld();
    await cutOff(world, 'a');
    const job = await world.start('create-user');
    for (let times = 0; times < 2; times += 1)
      expect((await world.take(job, undefined, { asksFor: 'b' })).record.doubtAbout).toEqual(['a']);
  });

  const next: readonly Partial<UserRecord>[] = [
    { state: 'live' },
    { state: 'deleted' },
    { state: 'unknown', deletingSince: 5 },
  ];
  it.each(next)('is about the user after this one: %o', async (record) => {
    const world = await createUserStateWorld();
    await world.settle({ clientId: 'c-1' }, { record: { ...record, generation: 2 } });
    await cutOff(world);
    expect(await doubtOf(world)).toEqual(['derived:3']);
  });

  it.each(['unknown', 'mismatched'] as const)('is about this user while it is %s', async (state) => {
    const world = await createUserStateWorld();
    await world.settle({ clientId: 'c-1' }, { record: { state, generation: 2 } });
    await cutOff(world);
    expect(await doubtOf(world)).toEqual(['derived:2']);
  });
});

describe('a move that is cut off', () => {
  it('leaves known that the user may have been moved, but not to its own run', async () => {
    const world = await createUserStateWorld();
    const job = await world.start('move-user');
    for (let times = 0; times < 2; times += 1)
      expect((await world.take(job)).record.movingSince).toBeUndefined();
    await world.loseLock(job);
    expect((await world.recordOf({ clientId: 'c-1' })).movingSince).toBeTypeOf('number');
  });
});

describe('a create that finds its user under another clientId', () => {
  it('leaves its own clientId without doubt, if no other run was in doubt', async () => {
    const world = await createUserStateWorld();
    await world.settle({ clientId: 'c-2' });
    const create = await world.start('create-user');
    await (await world.take(create)).lockAlso(userId);
    await world.loseLock(create);
    expect(await world.recordOf({ clientId: 'c-1' })).toMatchObject({ isInDoubt: false });
  });
});
