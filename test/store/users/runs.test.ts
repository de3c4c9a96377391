import { describe, expect, it } from 'vitest';
import type { Address } from '../../../src/lifecycle/ports/user-state.ts';
import type { RecordUpdate } from '../../../src/operations/context.ts';
import { hashIdFor } from '../../../src/store/users/user-hash.ts';
import { versionFor, waiting } from '../circuits/circuits-world.ts';
import { type UserStateWorld, createUserStateWorld, instance, live, userId } from './user-state-world.ts';

describe('a run', () => {
  const elsewhere = { ...instance, id: '33333333-3333-4333-8333-333333333333' };

  it.each<{ update: Partial<RecordUpdate>; isOpen: boolean }>([
    { update: {}, isOpen: true },
    { update: { mayHaveRenamed: true, renamedTo: null }, isOpen: true },
    { update: { renamedTo: null }, isOpen: false },
    { update: { movedTo: elsewhere }, isOpen: false },
  ])(
    'that knows what became of a clientId that an earlier one was to give ends that: $update',
    async (asked) => {
      const world = await createUserStateWorld();
      const dead = await world.start();
      await (await world.take(dead)).lockClientId('c-2', instance);
      await world.loseLock(dead);
      const job = await world.start();
      const user = await world.take(job);
      await user.lockClientId('c-2', instance);
      await user.settle(world.settlementOf(job), { ...live(user), ...asked.update });
      const { givenSince } = await world.recordOf({ clientId: 'c-2' });
      expect(givenSince !== undefined).toBe(asked.isOpen);
    },
  );

  it('knows its user by the clientId in the instance where the user was found', async () => {
    const world = await createUserStateWorld();
    await world.settle({ userId }, { clientId: 'c-1', instance: elsewhere });
    expect((await world.recordOf({ clientId: 'c-1' })).userId).toBeUndefined();
    const names = [hashIdFor(elsewhere), hashIdFor(instance)].map((hashId) => hashId('client', 'c-1'));
    const found = await Promise.all(
      names.map((name) => world.redis.hexists(`${world.prefix}:user:${name}`, 'leadsTo')),
    );
    expect(found).toEqual([1, 0]);
  });

  it('does not know a create that was removed by hand as one that goes on', async () => {
    const world = await createUserStateWorld();
    const job = await world.add('create-user', { delay: 60_000 });
    await world.settle({ clientId: 'c-1' }, { record: { pending: versionFor(job) } });
    expect((await world.recordOf({ clientId: 'c-1' })).pending).toBe(versionFor(job));
    await world.jobs.remove(job.id ?? '');
    expect((await world.recordOf({ clientId: 'c-1' })).pending).toBeUndefined();
  });

  it('has the user also where Redis has lost how the job before it ended', async () => {
    const world = await createUserStateWorld();
    const dead = await world.start();
    const user = await world.take(dead);
    await user.onlySettle(world.settlementOf(dead), live(user));
    await world.loseLock(dead);
    await world.redis.del(`${world.prefix}:settled:${dead.id}`);
    expect((await world.begin(await world.start())).is).toBe('locked');
    expect(await world.eventIds()).toEqual([[]]);
  });

  it('that deletes the user whom an earlier clientId meant leaves that to its next job', async () => {
    const world = await createUserStateWorld();
    await world.settle({ clientId: 'old' }, { renamedTo: 'new' });
    const deletion = await world.take(await world.start('delete-user'), { clientId: 'old' });
    const next = await world.start();
    await world.begin(next, { clientId: 'old' });
    await deletion.lockAlso(userId);
    expect(await waiting(world)).toEqual([next.id]);
  });
});

describe('the lease of a lock', () => {
  const leaseMs = 200;
  /** The next job has each of these users once the leases have ended. */
  const haveEnded = async (world: UserStateWorld, addresses: Address[]) => {
    for (const address of addresses) {
      const job = await world.start();
      await expect.poll(async () => (await world.ask(job, address)).is).toBe('locked');
    }
  };

  it('is not renewed after the run has ended, nor that of a clientId that it has locked before', async () => {
    const world = await createUserStateWorld({ lockMs: leaseMs });
    await world.settle({ clientId: 'c-1' });
    const locked = await (
      await world.take(await world.start('create-user'), { clientId: 'c-2' })
    ).lockAlso(userId);
    if (locked.is !== 'locked') throw new Error(locked.is);
    locked.user.end();
    await haveEnded(world, [{ clientId: 'c-1' }, { clientId: 'c-2' }]);
  });

  it('is renewed while the run goes on, which may go on sending', async () => {
    const world = await createUserStateWorld({ lockMs: 2400 });
    const user = await world.take(await world.start());
    const lockUntil = () => world.redis.hget(user.lock.key, 'lockUntil').then(Number);
    const before = await lockUntil();
    await expect.poll(lockUntil).toBeGreaterThan(before);
    // Its answer comes behind that of the renewal.
    await world.userState.find('another job');
    expect(user.maySend()).toBe(true);
  });

  it('is not renewed after the job is settled', async () => {
    const world = await createUserStateWorld({ lockMs: leaseMs });
    const job = await world.start();
    const user = await world.take(job);
    await user.onlySettle(world.settlementOf(job), live(user));
    await haveEnded(world, [{ clientId: 'c-1' }]);
  });
});
