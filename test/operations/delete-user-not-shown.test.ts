import { describe, expect, it } from 'vitest';
import { type OperationContext, LOCK_LOST } from '../../src/operations/context.ts';
import { C1, byId, sent, there } from './delete-user-world.ts';
import {
  A,
  B,
  GAVE_UP,
  HOUR_MS,
  MINUTE_MS,
  NOW,
  OTHER_INSTANCE_ID,
  OURS,
  createOperationWorld,
  version,
} from './operation-world.ts';

const nobody = { status: 'done', type: 'user.deleted', existed: false, verified: true, confirmedAt: NOW };
/** As a service looks up that compares to the letter. */
const exactly =
  (find: OperationContext['client']['findUsers']): typeof find =>
  async (query) =>
    (await find(query)).filter((user) => query.clientId === undefined || user.clientId === query.clientId);

describe('a user that no look-up shows', () => {
  const made = (ageMs: number) => ({ state: 'live', userId: OURS, lastSeenAt: NOW - ageMs }) as const;
  const asked = (ageMs: number, ...doubtAbout: string[]) => ({
    isInDoubt: true,
    doubtSince: NOW - ageMs,
    doubtAbout,
  });

  it.each([
    ['was made a moment ago', made(0), 1000],
    ['was made 20 seconds ago', made(20_000), 20_000],
    ['was made 5 minutes ago', made(5 * MINUTE_MS), MINUTE_MS],
    ['was made a quarter of an hour ago, but for a millisecond', made(15 * MINUTE_MS - 1), 1],
    ['was asked for by a create that nobody answered', asked(0, 'derived:0'), 1000],
    ['was asked for under another id', asked(0, A), 1000],
  ])('and that %s is waited for, and nothing is sent', async (_title, record, delayMs) => {
    const world = createOperationWorld({ record, users: there(), lag: 9 });
    expect((await world.delete(C1)).outcome).toMatchObject({ status: 'wait', delayMs });
    expect(sent(world.calls)).toEqual([]);
  });

  it.each([
    ['made a quarter of an hour ago', made(15 * MINUTE_MS)],
    ['made nobody knows when', { state: 'live', userId: OURS } as const],
    ['asked for a quarter of an hour ago', asked(15 * MINUTE_MS, 'derived:0')],
  ])('and that was %s is not there', async (_title, record) => {
    const world = createOperationWorld({ record });
    expect((await world.delete(C1)).outcome).toMatchObject({ existed: false, verified: true });
  });

  it('by its id, of an unanswered create, is waited for', async () => {
    const byUserId = createOperationWorld({ record: asked(0, A), users: there(A), lag: 9 });
    expect((await byUserId.delete(byId(A))).outcome).toMatchObject({ status: 'wait' });
    const byBoth = createOperationWorld({ record: asked(0, A), users: there(A), lag: 9 });
    expect((await byBoth.delete(byId(A, 'c-1'))).outcome).toMatchObject({ status: 'wait' });
  });

  it('beside one that is shown is waited for, too, so that no second one is left', async () => {
    for (const record of [made(0), asked(0, 'derived:0')]) {
      const world = createOperationWorld({ record, users: there(A) });
      expect((await world.delete(C1)).outcome).toMatchObject({ status: 'wait' });
      expect(sent(world.calls)).toEqual([]);
    }
    const both = createOperationWorld({ record: made(0), users: [...there(A), ...there()] });
    expect((await both.delete(C1)).outcome).toMatchObject({ code: 'ambiguous-client-id' });
  });

  it.each([
    ['made lately', { state: 'live', userId: OURS, lastSeenAt: NOW - 1 }],
    ['made long ago', { state: 'live', userId: OURS }],
    ['in doubt', { isInDoubt: true }],
    ['of nobody known', {}],
  ] as const)('and that has become another’s since is not deleted (%s)', async (_title, record) => {
    const world = createOperationWorld({ record, users: there(OURS, 'c-2') });
    const { outcome } = await world.delete(C1);
    expect(world.users).toHaveLength(1);
    expect(sent(world.calls)).toEqual([]);
    expect(outcome).toMatchObject({ code: 'user-mismatch', userId: OURS });
  });

  it.each([
    ['with no clientId at all', {}],
    ['with the clientId in another form', { clientId: 'C-1 ' }],
  ])('by its clientId, and is there %s, is deleted', async (_title, known) => {
    const world = createOperationWorld({
      record: { state: 'live', userId: A },
      users: [{ userId: A, ...known }],
    });
    world.context.client.findUsers = exactly(world.context.client.findUsers);
    expect((await world.delete(C1)).outcome).toMatchObject({ userId: A, existed: true, verified: true });
    expect(world.users).toEqual([]);
  });

  it('by its clientId, and was moved, is not deleted, and it is said where it is', async () => {
    const users = [{ userId: A, instanceId: OTHER_INSTANCE_ID }];
    const world = createOperationWorld({ record: { state: 'live', userId: A }, users });
    expect((await world.delete(C1)).outcome).toMatchObject({ code: 'other-instance', userId: A });
    expect(world.users).toHaveLength(1);
  });

  it('of an unanswered create whose id Damoov chose is waited for', async () => {
    const world = createOperationWorld({
      mode: 'assigned',
      record: { isInDoubt: true, doubtSince: NOW - 1 },
    });
    expect((await world.delete(C1)).outcome).toMatchObject({ status: 'retry' });
    expect(sent(world.calls)).toEqual([]);
  });
});

describe('a deletion of nobody', () => {
  it('says so, remembers it against older sign-ups, and does not count as one that is sent', async () => {
    const world = createOperationWorld();
    const { outcome, recordUpdate } = await world.delete(C1);
    expect(outcome).toEqual(nobody);
    expect(world.calls).toEqual(['find c-1', `find ${OURS}`, 'authorize c-1 - sends nothing']);
    expect(recordUpdate?.record).toMatchObject({ state: 'unknown', deleted: `${NOW} 0 job`, generation: 0 });
  });

  it('says so at once if Damoov chooses the ids, where no create went unanswered', async () => {
    const world = createOperationWorld({ mode: 'assigned' });
    expect((await world.delete(C1)).outcome).toEqual(nobody);
  });

  it('whom we remember remembers that it is gone', async () => {
    const record = { state: 'live', userId: OURS, fields: { phone: version(-1) } } as const;
    const world = createOperationWorld({ record });
    const { recordUpdate } = await world.delete(C1);
    expect(recordUpdate?.record).toMatchObject({ state: 'deleted', userId: OURS, fields: {} });
  });

  it.each([
    ['cancelled', { status: 'superseded', by: 'cancellation' }],
    ['returned', { status: 'superseded', by: 'create' }],
  ] as const)('that is told “%s” says so', async (authorize, outcome) => {
    const world = createOperationWorld({ authorize });
    expect(await world.delete(C1)).toEqual({ outcome });
    const lost = createOperationWorld({ authorize: LOCK_LOST });
    expect(await lost.delete(C1)).toEqual(GAVE_UP);
  });

  it('whose earlier run has deleted the user reports that it existed', async () => {
    const record = { userId: OURS, state: 'live', deletingSince: NOW - HOUR_MS } as const;
    const world = createOperationWorld({ record });
    expect((await world.delete(C1)).outcome).toEqual({
      ...nobody,
      userId: OURS,
      existed: true,
      executedAt: NOW - HOUR_MS,
    });
  });

  it('whose earlier run has deleted the user reports the ids of the job', async () => {
    const world = createOperationWorld({ record: { deletingSince: NOW - HOUR_MS } });
    expect((await world.delete(byId(A))).outcome).toMatchObject({ userId: A, existed: true });
  });

  it('claims no deletion whose job has failed, and none of another user', async () => {
    const failed = createOperationWorld({ record: { userId: OURS, deletingSince: 0 } });
    expect((await failed.delete(C1)).outcome).toEqual(nobody);
    const record = { userId: OURS, deletingSince: NOW - 1 };
    const other = createOperationWorld({ record });
    const { outcome, recordUpdate } = await other.delete(byId(A));
    expect([outcome, recordUpdate]).toEqual([{ ...nobody, userId: A }, undefined]);
  });

  it('forgets the doubt about an id of ours, and no other', async () => {
    const record = { userId: B, isInDoubt: true } as const;
    const ours = createOperationWorld({ record });
    expect((await ours.delete(C1)).recordUpdate?.record.isInDoubt).toBe(false);
    const assigned = createOperationWorld({ record, mode: 'assigned', users: there(B) });
    expect((await assigned.delete(C1)).recordUpdate?.record.isInDoubt).toBe(true);
  });
});
