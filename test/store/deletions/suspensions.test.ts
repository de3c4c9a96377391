import { describe, expect, it } from 'vitest';
import { checkDeletion } from '../../../src/store/deletions/guard.ts';
import {
  askSuspension,
  authorizeSuspension,
  moveSuspension,
  noteSuspension,
} from '../../../src/store/deletions/suspensions.ts';
import { A, B, DecisionsWorld } from './decisions-world.ts';
import { createDeletionsWorld, inDays, userId } from './deletions-world.ts';

const FIRST = `del-${A}`;
const SUSPEND = { does: 'suspend', userId: 'u' } as const;
const RESUME = { does: 'resume', userId: 'u' } as const;

const ask = (world: DecisionsWorld, jobId = FIRST) => world.do((seen) => askSuspension(seen, 'P', jobId));
const move = (world: DecisionsWorld, jobId = FIRST) => world.do((seen) => moveSuspension(seen, 'P', jobId));
const note = (world: DecisionsWorld, state: 'suspended' | 'unchanged') =>
  world.do((seen) => noteSuspension(seen, 'P', FIRST, state));
const authorize = (
  world: DecisionsWorld,
  asked: Parameters<typeof authorizeSuspension>[4],
  { jobId = FIRST, hashes = [A] } = {},
) => {
  const names = { prefix: 'P', salt: '', hashes };
  return world.do((seen) => authorizeSuspension(seen, names, { jobId, timestamp: 1000 }, world.lock, asked));
};
/** What its job has to do now. */
const duty = (world: DecisionsWorld) =>
  world.do((seen) => {
    const names = { prefix: 'P', salt: '', hashes: [A] };
    const { answer, writes = [] } = checkDeletion(seen, names, { jobId: FIRST, timestamp: 1000 });
    return { answer: answer.suspension, writes };
  });

/** A deletion that was requested at 1000 and is due at 5000, and is to suspend its user until then. */
function suspending(): DecisionsWorld {
  const world = new DecisionsWorld();
  world.schedule([A], { dueAt: 5000 });
  expect(ask(world)).toBe(true);
  return world;
}

/** Its job has suspended the user. */
function suspended(): DecisionsWorld {
  const world = suspending();
  expect(authorize(world, SUSPEND)).toBe('go');
  note(world, 'suspended');
  return world;
}

describe('a suspension', () => {
  it('is asked for while its deletion is pending, and no longer once that may be sent or is over', () => {
    const world = new DecisionsWorld();
    expect([ask(world), ask(world, 'of another client')]).toEqual([false, false]);
    world.schedule([A], { dueAt: 5000 });
    expect([ask(world), ask(world, `${FIRST}-1`)]).toEqual([true, false]);
    expect(world.kept.get(`P:deletion:${A}`)).toBe(40 * 86_400 + 4);
    world.set(`P:deletion:${A}`, { sentJob: FIRST });
    expect(ask(world)).toBe(false);
    world.cancel([A]);
    expect(ask(world)).toBe(false);
  });

  it('comes first, also after a run that was cut off; then its deletion waits, and deletes when it is due', () => {
    const world = suspending();
    expect(duty(world)).toEqual({ does: 'suspend', name: A, userId: undefined, dueAt: 5000 });
    expect(authorize(world, SUSPEND)).toBe('go');
    expect(duty(world)).toEqual({ does: 'suspend', name: A, userId: 'u', dueAt: 5000 });
    note(world, 'suspended');
    expect(duty(world)).toEqual({ does: 'await', dueAt: 5000, userId: 'u' });
    world.now = 4999;
    expect(world.authorize([A], FIRST, 1000)).toBe('early');
    world.now = 5000;
    expect(duty(world)).toEqual({ does: 'delete', name: A, userId: 'u' });
    expect(world.authorize([A], FIRST, 1000)).toBe('go');
    expect(duty(world)).toBeUndefined();
  });

  it('of a deletion that was not asked to suspend anybody is none', () => {
    const world = new DecisionsWorld();
    world.schedule([A], { dueAt: 5000 });
    expect(duty(world)).toBeUndefined();
    note(world, 'suspended');
    world.do(() => ({ answer: '', writes: [['ZREM', 'P:deletions-pending', FIRST]] }));
    expect(authorize(world, SUSPEND)).toBe('changed');
    expect([move(world), move(world, '7')]).toEqual([false, false]);
    expect(world.name(A)).toEqual({ begunJob: FIRST });
  });

  it('is not done where there is nothing to suspend, nor again where it was done', () => {
    const [none, done, again] = [suspending(), suspended(), suspended()];
    note(none, 'unchanged');
    note(done, 'unchanged');
    expect([duty(none), duty(done)]).toEqual([
      { does: 'await', dueAt: 5000, userId: undefined },
      { does: 'await', dueAt: 5000, userId: 'u' },
    ]);
    expect([none, done].map((world) => world.name(A)['suspension']?.split(' ')[0])).toEqual([
      'unchanged',
      'suspended',
    ]);
    // Asked for again before that is noted.
    expect(ask(again)).toBe(true);
    note(again, 'suspended');
    expect(duty(again)).toMatchObject({ does: 'suspend', userId: 'u' });
  });

  it('lasts as long as its deletion is pending, whenever that is moved', () => {
    const world = suspended();
    world.ask([A], { mode: 'move', dueAt: 9_000_000 });
    // A run that comes in between knows.
    expect(duty(world)).toEqual({ does: 'await', dueAt: 9_000_000, userId: 'u' });
    expect(authorize(world, SUSPEND)).toBe('go');
    note(world, 'suspended');
    expect(world.name(A)['suspension']).toBe('suspended 0 9000000 u');
    expect(move(world)).toBe(true);
    expect(duty(world)).toEqual({ does: 'await', dueAt: 9_000_000, userId: 'u' });
    expect(world.kept.get(`P:deletion:${A}`)).toBe(40 * 86_400 + 8999);
    // It has failed, and is put back.
    world.do(() => ({ answer: '', writes: [['ZREM', 'P:deletions-pending', FIRST]] }));
    expect([move(world), authorize(world, SUSPEND)]).toEqual([true, 'go']);
    note(world, 'suspended');
    expect(duty(world)).toEqual({ does: 'await', dueAt: 9_000_000, userId: 'u' });
    expect(world.pending()).toEqual([FIRST]);
  });

  it.each([
    ['cancelled', (world: DecisionsWorld) => void world.cancel([A]), 'cancellation'],
    [
      'voided by a sign-up',
      (world: DecisionsWorld) => world.set(`P:deletion:${A}`, { returnedAt: 1001 }),
      'create',
    ],
  ])('whose deletion was %s is not begun any more, and undone', (_how, voidIt, by) => {
    const [begun, done] = [suspending(), suspended()];
    for (const world of [begun, done]) voidIt(world);
    expect(duty(done)).toEqual({ does: 'resume', name: A, userId: 'u', by });
    expect(authorize(begun, SUSPEND)).toBe('changed');
    expect(authorize(done, RESUME)).toBe('go');
    for (const world of [begun, done]) {
      expect(world.pending()).toEqual([]);
      expect(world.schedule([A])).toBe(`${FIRST}-1`);
    }
  });

  it('is that of one deletion of its user, not of an earlier one', () => {
    const world = suspended();
    world.cancel([A]);
    const jobId = world.schedule([A], { dueAt: 6000 });
    expect([jobId, ask(world, jobId)]).toEqual([`${FIRST}-1`, true]);
    expect(world.check([A], jobId, 1001).suspension).toMatchObject({ does: 'suspend', dueAt: 6000 });
    expect(duty(world)).toBeUndefined();
  });

  it('is undone after a sign-up that only the record tells of, and not after one before the request', () => {
    const [begun, done, earlier] = [suspending(), suspended(), suspended()];
    expect(authorize(begun, { ...SUSPEND, signedUpAt: 1001 })).toBe('changed');
    expect(authorize(done, { ...RESUME, signedUpAt: 1001 })).toBe('go');
    expect([begun, done].map((world) => duty(world))).toMatchObject([
      { does: 'resume', by: 'create' },
      { does: 'resume', by: 'create' },
    ]);
    expect(authorize(earlier, { ...RESUME, signedUpAt: 1000 })).toBe('changed');
    expect(authorize(earlier, { ...SUSPEND, signedUpAt: 1000 })).toBe('go');
    expect(earlier.pending()).toEqual([FIRST]);
  });

  it('is authorized for a run that still has its user, and of a deletion of ours', () => {
    const world = suspending();
    world.set(world.lock.key, { [world.lock.field]: 'another' });
    const before = world.name(A);
    expect([authorize(world, SUSPEND), authorize(world, RESUME)]).toEqual(['lost', 'lost']);
    expect(world.name(A)).toEqual(before);
    expect(authorize(suspending(), SUSPEND, { jobId: '7' })).toBe('changed');
  });

  it('leads to its deletion from no other name of its user, which may be another user’s one day', () => {
    const world = suspending();
    expect(authorize(world, SUSPEND, { hashes: [A, B] })).toBe('go');
    expect(world.name(B)).toEqual({});
    expect(world.cancel([B])).toBe('none');
    expect(authorize(world, SUSPEND, { hashes: [A, B] })).toBe('changed');
    expect(duty(world)).toMatchObject({ does: 'resume', by: 'cancellation' });
  });
});

describe('a deletion that suspends its user, and is not due', () => {
  it('forgets what an operator has decided over it', () => {
    const world = suspending();
    world.set(`P:deletion-decision:${FIRST}`, { '': 'release' });
    duty(world);
    world.now = 5000;
    expect(world.check([A], FIRST, 1000).is).toBe('open');
  });

  it('remembers under its own name that it is void under another', () => {
    const world = suspending();
    world.cancel([B]);
    expect(world.check([A, B], FIRST, 1000).is).toBe('cancelled');
    expect(duty(world)).toMatchObject({ does: 'resume', by: 'cancellation' });
  });
});

describe('a deletion that is scheduled and suspends its user', () => {
  const schedule = async () => {
    const world = await createDeletionsWorld();
    const dueAt = inDays(30);
    const scheduled = await world.deletions.schedule({ clientId: 'c-1' }, dueAt, { suspends: true });
    return { world, dueAt, scheduled };
  };

  it('has its job run at once, which tells what to do', async () => {
    const { world, dueAt, scheduled } = await schedule();
    const job = await world.fetch();
    expect(scheduled).toMatchObject({ is: 'scheduled', jobId: job.id, dueAt });
    expect(await world.check(job)).toMatchObject({
      is: 'open',
      dueAt,
      suspension: { does: 'suspend', dueAt },
    });
  });

  it('has its job run once more where it is moved', async () => {
    const { world } = await schedule();
    const job = await world.fetch();
    await job.moveToDelayed(inDays(1), job.token);
    const later = inDays(60);
    const moved = await world.deletions.reschedule({ clientId: 'c-1' }, later);
    expect(moved).toMatchObject({ is: 'moved', jobId: job.id, dueAt: later });
    expect(await world.check(await world.fetch())).toMatchObject({ suspension: { dueAt: later } });
  });

  it('is cancelled by the UserId that its suspension has found, too', async () => {
    const { world } = await schedule();
    const job = await world.fetch();
    expect(await world.authorizeSuspension(job, userId)).toBe('go');
    expect(await world.check(job)).toMatchObject({ is: 'open', suspension: { does: 'suspend', userId } });
    await world.deletions.cancel({ userId });
    expect(await world.check(job)).toMatchObject({
      is: 'cancelled',
      suspension: { does: 'resume', userId, by: 'cancellation' },
    });
  });

  it('does not suspend a user whose deletion was cancelled by the clientId that was found', async () => {
    const world = await createDeletionsWorld();
    await world.deletions.schedule({ userId }, inDays(30), { suspends: true });
    const job = await world.fetch();
    await world.deletions.cancel({ clientId: 'c-1' });
    const found = { userId, also: { clientId: 'c-1' } };
    expect(await world.authorizeSuspension(job, userId, found)).toBe('changed');
  });
});
