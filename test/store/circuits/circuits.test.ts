import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { RedisCircuits } from '../../../src/store/circuits/circuits.ts';
import {
  CIRCUITS,
  PROBES,
  UPDATED,
  createUserStateWorld,
  instance,
  userId,
} from '../users/user-state-world.ts';
import { REFUSED, begin, open, versionFor, waiting } from './circuits-world.ts';

describe('a circuit', () => {
  it('that is open holds every job that has to pass it, and reports that once', async () => {
    const world = await createUserStateWorld();
    await open(world);
    for (let n = 0; n < 3; n += 1)
      expect(await begin(world, await world.start())).toEqual({ is: 'held', circuit: 'admin' });
    expect(world.changes).toEqual([{ ...REFUSED, is: 'open' }]);
    expect(await world.circuits.stateOf('admin')).toMatchObject({ held: 4, reason: 'not today' });
    expect(await world.jobs.getDelayedCount()).toBe(4);
    expect(await world.circuits.stateOf('damoov')).toEqual({ circuit: 'damoov', held: 0 });
  });

  it('that a job may do without lets it pass, and reports it', async () => {
    const world = await createUserStateWorld();
    await open(world);
    const job = await world.start('create-user');
    const { timestamp } = job;
    const begun = await world.userState.begin(
      world.runOf(job),
      { name: 'create-user', version: versionFor(job), timestamp },
      instance,
      { clientId: 'c-9' },
      { must: ['damoov'], may: ['admin'] },
    );
    expect(begun).toMatchObject({ is: 'locked', passage: { open: ['admin'], probes: [] } });
  });

  it('of another credential is another circuit', async () => {
    const world = await createUserStateWorld();
    await open(world);
    const corrected = world.circuitsWith('b');
    expect((await corrected.stateOf('admin')).openSince).toBeUndefined();
    await corrected.wakeHeld();
    expect(await world.jobs.getWaitingCount()).toBe(1);
  });

  it('leaves nothing for ever: what is held, and which credential was refused', async () => {
    const world = await createUserStateWorld();
    await open(world);
    const key = `${world.prefix}:circuit:admin`;
    expect(await world.redis.ttl(`${key}:held`)).toBeGreaterThan(89 * 24 * 3600);
    expect(await world.redis.ttl(`${key}:refused`)).toBeGreaterThan(0);
    expect(await world.redis.ttl(`${key}:refused`)).toBeLessThanOrEqual(10);
  });

  it('closes after a successful probe, reports that once, and releases its jobs in the order of their versions', async () => {
    const world = await createUserStateWorld();
    const last = await open(world);
    const others = await Promise.all(
      [3, 1, 2].map((n) => world.add('update-user', { timestamp: last.timestamp - n * 1000 })),
    );
    for (const _ of others) expect(await begin(world, await world.fetch())).toMatchObject({ is: 'held' });
    world.pass(PROBES.firstMs);
    const probeJob = await world.start('update-user', { timestamp: last.timestamp - 9000 });
    expect(await begin(world, probeJob)).toMatchObject({ is: 'locked' });
    await world.circuits.probed(world.runOf(probeJob), 'admin', true);
    await world.circuits.probed(world.runOf(probeJob), 'admin', true);
    expect(world.changes.slice(1)).toMatchObject([
      { circuit: 'admin', is: 'closed', openForMs: PROBES.firstMs },
    ]);
    const [oldest, younger, young] = [others[0]?.id, others[2]?.id, others[1]?.id];
    expect(await waiting(world)).toEqual([oldest, younger, young, last.id]);
    expect((await world.circuits.stateOf('admin')).held).toBe(0);
  });

  it('releases thousands, and passes over those that are gone', async () => {
    const world = await createUserStateWorld();
    await open(world);
    const ids: (string | undefined)[] = [];
    for (let n = 0; n < 1200; n += 1) {
      const job = await world.start();
      expect(await begin(world, job)).toMatchObject({ is: 'held' });
      ids.push(job.id);
    }
    for (const id of ids.slice(0, 7)) await world.jobs.remove(id ?? '');
    const corrected = world.circuitsWith('b');
    await corrected.wakeHeld();
    // As long as others may still use the refused credential, not all at once: they put back what they take.
    expect(await world.jobs.getWaitingCount()).toBeLessThan(600);
    for (let n = 0; n < 3; n += 1) await corrected.wakeHeld();
    expect((await waiting(world)).slice(1)).toEqual(ids.slice(7));
  });

  it('does not release another job that has come to bear the id of one that was removed', async () => {
    const world = await createUserStateWorld();
    await open(world);
    const job = await world.start('delete-user', { jobId: 'close-1' });
    expect(await begin(world, job)).toMatchObject({ is: 'held' });
    await world.jobs.remove('close-1');
    await world.add('delete-user', { jobId: 'close-1', delay: 86_400_000 });
    await world.circuitsWith('b').wakeHeld();
    expect(await (await world.jobs.getJob('close-1'))?.getState()).toBe('delayed');
  });

  it('is not open by a process that alone gets no answer', async () => {
    const world = await createUserStateWorld();
    const healthy = world.circuitsWith('a');
    healthy.passed('damoov');
    const away = { circuit: 'damoov', reason: 'away' } as const;
    const refuseOnce = async () => {
      const job = await world.start();
      const begun = await begin(world, job);
      if (begun.is !== 'locked') throw new Error(`not taken: ${begun.is}`);
      await begun.user.unlock({ record: begun.user.record });
      return world.circuits.refuse(world.runOf(job), versionFor(job), away);
    };
    const passed = `${world.prefix}:circuit:damoov:passed`;
    // Two and a half seconds, which the test need not wait for.
    await expect.poll(() => world.redis.pttl(passed)).toBeGreaterThan(0);
    expect(await world.redis.pttl(passed)).toBeLessThanOrEqual(2500);
    await world.redis.persist(passed);
    expect(await refuseOnce()).toBe('closed');
    await world.redis.del(passed);
    expect(await refuseOnce()).toBe('held');
  });

  it('that is closed keeps a job that is not delayed yet, and does not ask for it again and again', async () => {
    const world = await createUserStateWorld();
    await open(world);
    let asked = 0;
    const corrected = new RedisCircuits({
      prefix: world.prefix,
      jobs: world.jobs,
      jobQueue: {
        promote: async () => {
          asked += 1;
          return 'elsewhere';
        },
      },
      lockMs: 10_000,
      fingerprints: new Map([['admin', 'b']]),
      probes: { outage: PROBES, credential: PROBES },
      onChange: () => {},
    });
    await corrected.wakeHeld();
    expect(asked).toBe(1);
    expect((await corrected.stateOf('admin')).held).toBe(1);
  });

  it('hears of a process that gets through once a second, and of Damoov alone', async () => {
    const world = await createUserStateWorld();
    const passed = (circuit: string) => world.redis.exists(`${world.prefix}:circuit:${circuit}:passed`);
    world.circuits.passed('admin');
    world.circuits.passed('damoov');
    await expect.poll(async () => passed('damoov')).toBe(1);
    expect(await passed('admin')).toBe(0);
    await world.redis.del(`${world.prefix}:circuit:damoov:passed`);
    vi.useFakeTimers({ toFake: ['performance'] });
    onTestFinished(() => void vi.useRealTimers());
    const circuits = world.circuitsWith('a');
    circuits.passed('damoov');
    await expect.poll(async () => passed('damoov')).toBe(1);
    await world.redis.del(`${world.prefix}:circuit:damoov:passed`);
    vi.advanceTimersByTime(999);
    circuits.passed('damoov');
    // Behind it on the same connection.
    await circuits.stateOf('damoov');
    expect(await passed('damoov')).toBe(0);
    vi.advanceTimersByTime(1);
    circuits.passed('damoov');
    await expect.poll(async () => passed('damoov')).toBe(1);
  });

  it('lets go of a user that a job waited for, so that the next one of the user comes', async () => {
    const world = await createUserStateWorld();
    const first = await world.start();
    const user = await world.take(first);
    const [second, third] = [await world.start(), await world.start()];
    for (const job of [second, third]) expect(await world.begin(job)).toEqual({ is: 'blocked' });
    await open(world);
    await user.settle(world.settlementOf(first, UPDATED), { record: user.record });
    expect(await waiting(world)).toEqual([second.id]);
    expect(await world.begin(await world.fetch())).toMatchObject({ is: 'held' });
    expect(await waiting(world)).toEqual([third.id]);
    expect(await world.begin(await world.fetch())).toMatchObject({ is: 'held' });
  });

  it('before which a create waits has updates of its user wait for it', async () => {
    const world = await createUserStateWorld();
    await open(world);
    const create = await world.start('create-user');
    const { timestamp } = create;
    const version = versionFor(create);
    const address = { clientId: 'c-5', userId, userIdIs: 'derived' } as const;
    await world.userState.begin(
      world.runOf(create),
      { name: 'create-user', version, timestamp },
      instance,
      address,
      CIRCUITS,
    );
    for (const known of [{ clientId: 'c-5' }, { userId }]) {
      const update = await world.start();
      const begun = await world.userState.begin(
        world.runOf(update),
        { name: 'update-user', version: versionFor(update), timestamp },
        instance,
        known,
        { must: [], may: [] },
      );
      if (begun.is !== 'locked') throw new Error(`not taken: ${begun.is}`);
      expect(begun.user.record.pending).toBe(version);
      await begun.user.unlock({ record: begun.user.record });
    }
  });

  it.each(['older first', 'newer first'])(
    'before which creates wait has all know of the newest, where they come %s',
    async (order) => {
      const world = await createUserStateWorld();
      await open(world);
      const address = { clientId: 'c-5', userId, userIdIs: 'derived' } as const;
      const versions = [1000, 2000];
      if (order === 'newer first') versions.reverse();
      for (const ms of versions) {
        const create = await world.start('create-user');
        const version = `${ms} 0 ${create.id ?? ''}` as const;
        const job = { name: 'create-user', version, timestamp: create.timestamp } as const;
        expect(
          await world.userState.begin(world.runOf(create), job, instance, address, CIRCUITS),
        ).toMatchObject({
          is: 'held',
        });
      }
      const deletion = await world.start('delete-user');
      const begun = await world.userState.begin(
        world.runOf(deletion),
        { name: 'delete-user', version: '1500 0 x', timestamp: deletion.timestamp },
        instance,
        { clientId: 'c-5' },
        { must: [], may: [] },
      );
      if (begun.is !== 'locked') throw new Error(`not taken: ${begun.is}`);
      expect(begun.user.record.pending).toMatch(/^2000 /);
    },
  );
});
