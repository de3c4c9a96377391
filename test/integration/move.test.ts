import { describe, expect, it, onTestFinished } from 'vitest';
import { UserJobs } from '../../src/client/user-jobs.ts';
import { OTHER } from '../support/instances.ts';
import { createTwoInstances } from '../support/two-instances.ts';
import { type World, RETRIES_LATE } from '../support/world.ts';

const LONG_AGO = Date.now() - 3_600_000;
/** `n` seconds after a minute ago. */
const at = (n: number) => ({ occurredAt: new Date(Date.now() - 60_000 + n * 1000).toISOString() });
const moveAway = (world: World, more: object = {}) =>
  world.run('move-user', { clientId: 'c', toInstance: 'other', ...more });
function producerOf({ env, prefix }: World): UserJobs {
  const users = new UserJobs({ redis: env['REDIS_URL'] ?? '', prefix });
  onTestFinished(() => users.close());
  return users;
}

/** The living users with their instance and phone. */
const live = async (world: World) =>
  (await world.users())
    .filter(({ deletedAt }) => deletedAt === null)
    .map((user) => [user.deviceToken, user.instanceId === OTHER.id ? 'other' : 'default', user.phone]);

describe('a user who is moved to another instance', () => {
  it('is there, and its event says from where', async () => {
    const world = await createTwoInstances();
    const { subject } = await world.run('create-user', { clientId: 'c' });
    const event = await moveAway(world);
    expect(event).toMatchObject({
      type: 'user.moved',
      subject,
      data: { clientId: 'c', fromInstance: 'default', toInstance: 'other', instance: 'default' },
    });
    expect(await live(world)).toEqual([[subject, 'other', null]]);
  });

  it('is reached there by its clientId: by an update, by a repeated sign-up, and by its deletion', async () => {
    const world = await createTwoInstances();
    const { subject } = await world.run('create-user', { clientId: 'c' });
    await moveAway(world);
    const update = await world.run('update-user', {
      clientId: 'c',
      instance: 'other',
      changes: { phone: '1' },
    });
    const again = await world.run('create-user', { clientId: 'c', instance: 'other' });
    expect([update.subject, again.subject, again.data]).toMatchObject([subject, subject, { existed: true }]);
    expect(await live(world)).toEqual([[subject, 'other', '1']]);
    const gone = await world.run('delete-user', { clientId: 'c', instance: 'other' });
    expect([gone.subject, await live(world)]).toEqual([subject, []]);
  });

  it('is reached by older jobs of its old instance, whatever they are, and not by newer ones', async () => {
    const world = await createTwoInstances();
    const { subject } = await world.run('create-user', { clientId: 'c', ...at(1) });
    await moveAway(world, at(5));
    const update = await world.run('update-user', { clientId: 'c', changes: { phone: '1' }, ...at(4) });
    const signUp = await world.run('create-user', { clientId: 'c', profile: { nickname: 'N' }, ...at(3) });
    expect([update.subject, signUp.subject, signUp.data]).toMatchObject([
      subject,
      subject,
      { existed: true },
    ]);
    expect(await live(world)).toEqual([[subject, 'other', '1']]);
    // It was added so long ago that it does not wait for a move back.
    const newer = await world.run('delete-user', { clientId: 'c', ...at(6) }, { timestamp: LONG_AGO });
    expect(newer).toMatchObject({ type: 'user.failed', data: { code: 'other-instance' } });
    expect(await live(world)).toHaveLength(1);
  });

  it('is deleted by an older deletion of its old instance', async () => {
    const world = await createTwoInstances();
    const { subject } = await world.run('create-user', { clientId: 'c', ...at(1) });
    await moveAway(world, at(5));
    const deletion = await world.run('delete-user', { clientId: 'c', ...at(4) });
    expect(deletion).toMatchObject({
      type: 'user.deleted',
      subject,
      data: { existed: true, verified: true },
    });
    expect(await live(world)).toEqual([]);
  });

  it('leaves its clientId: a newer sign-up in the old instance is another user', async () => {
    const world = await createTwoInstances();
    const first = await world.run('create-user', { clientId: 'c' });
    await moveAway(world);
    const second = await world.run('create-user', { clientId: 'c' });
    expect(second.data).not.toHaveProperty('existed');
    expect(await live(world)).toEqual([
      [first.subject, 'other', null],
      [second.subject, 'default', null],
    ]);
    const update = await world.run('update-user', { clientId: 'c', changes: { phone: '2' } });
    const moved = await world.run('update-user', {
      clientId: 'c',
      instance: 'other',
      changes: { phone: '1' },
    });
    expect([update.subject, moved.subject]).toEqual([second.subject, first.subject]);
    // There the clientId is another user's.
    const taken = await moveAway(world);
    expect(taken).toMatchObject({ type: 'user.failed', data: { code: 'client-id-taken' } });
  });

  it('can come back, and older jobs of both instances still reach it', async () => {
    const world = await createTwoInstances();
    const { subject } = await world.run('create-user', { clientId: 'c', ...at(1) });
    await moveAway(world, at(5));
    const back = { clientId: 'c', instance: 'other', toInstance: 'default' };
    const event = await world.run('move-user', { ...back, ...at(10) });
    expect(event.data).toMatchObject({ fromInstance: 'other', toInstance: 'default' });
    for (const [n, job] of [
      [3, {}],
      [7, { instance: 'other' }],
      [12, {}],
    ] as const) {
      const changes = { phone: String(n) };
      const update = await world.run('update-user', { clientId: 'c', changes, ...job, ...at(n) });
      expect(update).toMatchObject({ type: 'user.updated', subject });
    }
    expect(await live(world)).toEqual([[subject, 'default', '12']]);
    const signUp = await world.run('create-user', { clientId: 'c', instance: 'other', ...at(13) });
    expect(signUp.subject).not.toBe(subject);
  });

  it('is waited for by a newer job of the new instance', async () => {
    const world = await createTwoInstances();
    const { subject } = await world.run('create-user', { clientId: 'c' });
    const update = await world.add('update-user', {
      clientId: 'c',
      instance: 'other',
      changes: { phone: '1' },
    });
    await expect.poll(async () => (await world.jobs.getDelayed()).map(({ id }) => id)).toEqual([update]);
    await moveAway(world);
    await world.jobs.promoteJobs();
    expect(await world.eventOf(update)).toMatchObject({ type: 'user.updated', subject });
  });

  it('keeps its names through a rename, also by an older job of its old instance', async () => {
    const world = await createTwoInstances();
    const { subject } = await world.run('create-user', { clientId: 'c', ...at(1) });
    await moveAway(world, at(5));
    await world.run('update-user', { clientId: 'c', changes: { clientId: 'd' }, ...at(4) });
    const there = await world.run('update-user', {
      clientId: 'd',
      instance: 'other',
      changes: { phone: '1' },
    });
    expect(there.subject).toBe(subject);
    const other = await world.run('create-user', { clientId: 'd' });
    expect(other.subject).not.toBe(subject);
    expect(await live(world)).toContainEqual([subject, 'other', '1']);
  });

  it('is moved by its UserId from wherever it is', async () => {
    const world = await createTwoInstances();
    const { subject } = await world.run('create-user', { clientId: 'c', instance: 'other' });
    const event = await world.run('move-user', { userId: subject, toInstance: 'default' });
    expect(event.data).toMatchObject({ fromInstance: 'other', toInstance: 'default' });
    const again = await world.run('create-user', { clientId: 'c' });
    expect(again).toMatchObject({ subject, data: { existed: true } });
  });
});

describe('a move', () => {
  it.each(['done', '409', '422'] as const)(
    'whose reply is lost counts once it is seen, where a repeated one is answered %s',
    async (repeatedMove) => {
      const world = await createTwoInstances({ modes: { repeatedMove } });
      const { subject } = await world.run('create-user', { clientId: 'c' });
      // The admin is logged in before replies are lost.
      await world.run('update-user', { clientId: 'c', changes: { nickname: 'N' } });
      await world.setModes({ commitThenDropRate: 1 });
      const jobId = await world.add('move-user', { clientId: 'c', toInstance: 'other' });
      await expect.poll(() => live(world)).toEqual([[subject, 'other', null]]);
      await world.setModes({ commitThenDropRate: 0 });
      const event = await world.eventOf(jobId);
      expect(event).toMatchObject({
        type: 'user.moved',
        data: { fromInstance: 'default', toInstance: 'other' },
      });
    },
  );

  it('to an instance that is not configured fails, and names those that are', async () => {
    const world = await createTwoInstances();
    const event = await world.run('move-user', { clientId: 'c', toInstance: 'us' });
    expect(event.data).toMatchObject({
      code: 'unknown-instance',
      message: expect.stringContaining('other, default'),
    });
  });

  it('is superseded by a newer sign-up, which wants its user where it is', async () => {
    const world = await createTwoInstances();
    const { subject } = await world.run('create-user', { clientId: 'c', ...at(5) });
    const event = await moveAway(world, at(4));
    expect(event).toMatchObject({ type: 'user.superseded', data: { by: 'create' } });
    expect(await live(world)).toEqual([[subject, 'default', null]]);
  });
});

describe('the deletion of a user who is moved before it is due', () => {
  it('is cancelled by the new name', async () => {
    const world = await createTwoInstances();
    const { subject } = await world.run('create-user', { clientId: 'c', ...at(1) });
    const users = producerOf(world);
    await users.delete({ clientId: 'c' }, { in: '1h' });
    await moveAway(world);
    expect(await users.cancelDeletion({ clientId: 'c', instance: 'other' })).toBe('none');
    await users.rescheduleDeletion({ clientId: 'c' }, { in: 0 });
    const deletion = () => world.events.find(({ type }) => type === 'user.superseded');
    await expect.poll(deletion).toMatchObject({ data: { by: 'cancellation', operation: 'delete-user' } });
    expect(await live(world)).toEqual([[subject, 'other', null]]);
  });

  it('is cancelled by its UserId, whatever instance the call names', async () => {
    const world = await createTwoInstances();
    const { subject = '' } = await world.run('create-user', { clientId: 'c', ...at(1) });
    const users = producerOf(world);
    await users.delete({ userId: subject }, { in: '1h' });
    expect(await users.cancelDeletion({ userId: subject, instance: 'other' })).toBe('cancelled');
  });

  it('is cancelled by a name that the user had in between: of another instance, or another clientId', async () => {
    const world = await createTwoInstances();
    const users = producerOf(world);
    await world.run('create-user', { clientId: 'c', ...at(1) });
    await users.delete({ clientId: 'c' }, { in: '1h' });
    await moveAway(world);
    await users.cancelDeletion({ clientId: 'c', instance: 'other' });
    await world.run('move-user', { clientId: 'c', instance: 'other', toInstance: 'default' });
    await world.run('create-user', { clientId: 'd', ...at(1) });
    await users.delete({ clientId: 'd' }, { in: '1h' });
    await world.run('update-user', { clientId: 'd', changes: { clientId: 'e' } });
    await users.cancelDeletion({ clientId: 'e' });
    await world.run('update-user', { clientId: 'e', changes: { clientId: 'f' } });
    for (const clientId of ['c', 'd']) await users.rescheduleDeletion({ clientId }, { in: 0 });
    const ends = () => world.events.filter(({ data }) => 'by' in data && data.by === 'cancellation');
    await expect.poll(ends).toHaveLength(2);
    expect(await live(world)).toHaveLength(2);
  });

  it('and was requested by its old name is carried out, whoever has that name by then', async () => {
    const world = await createTwoInstances();
    const first = await world.run('create-user', { clientId: 'c', ...at(1) });
    await moveAway(world, at(5));
    const second = await world.run('create-user', { clientId: 'c', ...at(6) });
    await world.run('update-user', {
      clientId: 'c',
      instance: 'other',
      changes: { clientId: 'd' },
      ...at(7),
    });
    const deletion = await world.run('delete-user', { clientId: 'c', ...at(4) }, { timestamp: LONG_AGO });
    expect(deletion).toMatchObject({ type: 'user.deleted', subject: first.subject });
    expect(await live(world)).toEqual([[second.subject, 'default', null]]);
  });

  it('concerns nobody else: neither is it cancelled by a namesake, nor does it end theirs', async () => {
    const world = await createTwoInstances();
    const users = producerOf(world);
    const { subject: userId = '' } = await world.run('create-user', { clientId: 'c' });
    await moveAway(world);
    await world.run('create-user', { clientId: 'c' });
    await users.delete({ userId }, { in: '1h' });
    expect(await users.cancelDeletion({ clientId: 'c' })).toBe('none');
    await users.rescheduleDeletion({ userId }, { in: 0 });
    await expect.poll(() => world.events.at(-1)).toMatchObject({ type: 'user.deleted', subject: userId });
    expect(await users.cancelDeletion({ clientId: 'c' })).toBe('none');
  });

  it('is not sent for a newer job of the old instance, where Damoov does not say in which instance the user is', async () => {
    const world = await createTwoInstances({
      modes: { hiddenFields: ['InstanceId'] },
      timings: { lagMs: 1 },
    });
    await world.run('create-user', { clientId: 'c' });
    await moveAway(world);
    const deletion = await world.run('delete-user', { clientId: 'c' });
    expect(deletion).toMatchObject({ type: 'user.failed', data: { code: 'other-instance' } });
    expect(await live(world)).toHaveLength(1);
  });
});

describe('a sign-up beside a move', () => {
  it('finds its user where that was moved to the instance where it was', async () => {
    const world = await createTwoInstances();
    const userId = await world.signUpElsewhere('c');
    await world.run('update-user', { userId, changes: { phone: '1' } });
    await world.run('move-user', { userId, toInstance: 'default' });
    expect(await world.run('create-user', { clientId: 'c' })).toMatchObject({ subject: userId });
    expect(await live(world)).toHaveLength(1);
  });

  /** A move that was carried out, and whose answer was lost; its job comes again when it is promoted. */
  async function loseAnswer(world: World): Promise<void> {
    await world.run('update-user', { clientId: 'c', changes: { nickname: 'N' } });
    await world.setModes({ commitThenDropRate: 1 });
    await world.add('move-user', { clientId: 'c', toInstance: 'other' }, { jobId: 'lost' });
    await expect.poll(() => world.jobs.getJobState('lost')).toBe('delayed');
    await world.setModes({ commitThenDropRate: 0 });
  }

  it('takes nobody who has left that instance since', async () => {
    const world = await createTwoInstances({ env: RETRIES_LATE });
    const { subject: userId } = await world.run('create-user', { clientId: 'c' });
    await loseAnswer(world);
    await world.run('move-user', { userId, toInstance: 'default' });
    await world.jobs.promoteJobs();
    expect(await world.eventOf('lost')).toMatchObject({ type: 'user.superseded', data: { by: 'move' } });
    const stranger = await world.run('create-user', { clientId: 'c', instance: 'other' });
    expect(stranger.subject).not.toBe(userId);
    expect(await live(world)).toHaveLength(2);
  });

  it('and before its answer is about one user, also after its deletion', async () => {
    const world = await createTwoInstances({ env: RETRIES_LATE });
    const { subject: userId } = await world.run('create-user', { clientId: 'c' });
    await loseAnswer(world);
    const signUp = await world.add('create-user', { clientId: 'c', instance: 'other' });
    await expect
      .poll(async () => {
        await world.jobs.promoteJobs();
        return world.events.find(({ data }) => data.jobId === 'lost')?.type;
      })
      .toBe('user.moved');
    expect(await world.eventOf(signUp)).toMatchObject({ subject: userId, data: { existed: true } });
    await world.run('delete-user', { userId });
    const next = await world.run('create-user', { clientId: 'c', instance: 'other' });
    expect(await live(world)).toEqual([[next.subject, 'other', null]]);
  });
});
