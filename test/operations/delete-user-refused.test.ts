import { describe, expect, it } from 'vitest';
import { C1, byId, there } from './delete-user-world.ts';
import { A, NOW, createOperationWorld } from './operation-world.ts';

describe('a deletion that Damoov refuses', () => {
  it.each(['forbidden', 'not-found'] as const)(
    'as %s, of a user that was made lately, is not confirmed yet, whether it is shown or not',
    async (kind) => {
      const record = { state: 'live', userId: A, lastSeenAt: NOW - 1 } as const;
      for (const isApplied of [true, false]) {
        const world = createOperationWorld({ record, users: there(A) });
        world.fails('delete', kind, { isApplied });
        expect((await world.delete(C1)).outcome).toMatchObject({ status: 'wait' });
      }
    },
  );

  it('with a success that has a null result is none', async () => {
    const record = { state: 'live', userId: A, lastSeenAt: NOW - 1 } as const;
    const world = createOperationWorld({ record, users: there(A) });
    world.answersDeletionsWithNull();
    expect((await world.delete(C1)).outcome).toMatchObject({ status: 'wait' });
  });

  it.each([
    ['not-found', {}, true],
    ['forbidden', { deletingSince: NOW - 1 }, true],
    ['forbidden', {}, false],
    ['forbidden', { deletingSince: 0 }, false],
  ] as const)('as %s, with %j known before, is verified: %s', async (kind, record, verified) => {
    const world = createOperationWorld({ record, users: there(A) });
    world.fails('delete', kind, { isApplied: true });
    const { outcome } = await world.delete(byId(A));
    const why = verified ? {} : { unverified: expect.stringContaining('403') };
    expect(outcome).toMatchObject({ existed: true, verified, ...why });
  });

  it.each([
    ['forbidden', { status: 'failed', code: 'forbidden', userId: A }],
    ['not-found', { status: 'retry' }],
  ] as const)('as %s and whose user is still there is no success', async (kind, outcome) => {
    const world = createOperationWorld({ users: there(A) });
    world.fails('delete', kind);
    expect((await world.delete(byId(A))).outcome).toMatchObject(outcome);
    expect(world.calls.slice(3)).toEqual([`find ${A}`, 'pause 250', `find ${A}`, 'pause 1000', `find ${A}`]);
  });

  it('otherwise is thrown, and nothing is looked up', async () => {
    const world = createOperationWorld({ users: there(A) });
    world.fails('delete', 'rejected');
    await expect(world.delete(byId(A))).rejects.toMatchObject({ kind: 'rejected' });
    expect(world.calls.at(-1)).toBe(`delete ${A}`);
  });

  it('of a login on the way is thrown as well, whatever its kind', async () => {
    const world = createOperationWorld({ users: there(A) });
    for (const kind of ['forbidden', 'not-found'] as const) {
      world.fails('delete', kind, { on: 'login', isApplied: true });
      await expect(world.delete(byId(A))).rejects.toMatchObject({ operation: 'login' });
      world.users.push(...there(A));
    }
    world.fails('find', 'forbidden');
    await expect(world.delete(byId(A))).rejects.toMatchObject({ operation: 'find' });
  });

  it('and a look-up that forgets late is asked again', async () => {
    const world = createOperationWorld({ users: there(A) });
    world.fails('delete', 'not-found');
    const { findUsers } = world.context.client;
    let looks = 0;
    world.context.client.findUsers = async (...args) => {
      looks += 1;
      if (looks === 3) world.users.pop();
      return findUsers(...args);
    };
    expect((await world.delete(byId(A))).outcome).toMatchObject({ existed: true, confirmedAt: NOW + 250 });
  });
});
