import type { Job } from 'bullmq';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { versionOf } from '../../../src/contract/version.ts';
import { RedisCircuits } from '../../../src/store/circuits/circuits.ts';
import { DELETION_LIMIT } from '../../../src/store/circuits/deletion-limit.ts';
import {
  type UserStateWorld,
  CIRCUITS,
  PROBES,
  UPDATED,
  createUserStateWorld,
  instance,
  userId,
} from '../users/user-state-world.ts';

const REFUSED = { circuit: 'admin', reason: 'not today' } as const;
const versionFor = ({ name, id = '', timestamp }: Job) => versionOf({ name, id, timestamp });

/** A job of a user of its own. */
const begin = (world: UserStateWorld, job: Job) => world.begin(job, { clientId: `of job ${job.id}` });

/** A job that is refused the admin, as a run ends that was. */
async function refuse(world: UserStateWorld, job: Job, more: { afterMs?: number } = {}) {
  const begun = await begin(world, job);
  if (begun.is !== 'locked') throw new Error(`not taken: ${begun.is}`);
  await begun.user.unlock({ record: begun.user.record });
  const is = await world.circuits.refuse(world.runOf(job), versionFor(job), { ...REFUSED, ...more });
  if (is === 'held') await world.hold(job);
  return is;
}

/** Opens the admin's circuit with a job that then waits before it. */
async function open(world: UserStateWorld, more: { afterMs?: number } = {}): Promise<Job> {
  const job = await world.start();
  expect(await refuse(world, job, more)).toBe('held');
  return job;
}

const waiting = async ({ jobs }: UserStateWorld) =>
  (await jobs.getJobs(['wait'], 0, -1, true)).map(({ id }) => id);

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

  it('that a job may do without is tried by such a job where it was held before it', async () => {
    const world = await createUserStateWorld();
    const create = await world.start('create-user');
    const { timestamp } = create;
    const job = { name: 'create-user', version: versionFor(create), timestamp } as const;
    const circuits = { must: ['damoov'], may: ['admin'] } as const;
    const beginCreate = (fetched: Job) =>
      world.userState.begin(world.runOf(fetched), job, instance, { clientId: 'c-9' }, circuits);
    const begun = await beginCreate(create);
    if (begun.is !== 'locked') throw new Error(`not taken: ${begun.is}`);
    await begun.user.unlock({ record: begun.user.record });
    await world.circuits.refuse(world.runOf(create), job.version, REFUSED);
    await world.hold(create);
    world.pass(PROBES.firstMs);
    await world.circuits.wakeHeld();
    expect(await beginCreate(await world.fetch())).toMatchObject({
      is: 'locked',
      passage: { probes: ['admin'] },
    });
  });

  it('of another credential is another circuit', async () => {
    const world = await createUserStateWorld();
    await open(world);
    const corrected = world.circuitsWith('b');
    expect((await corrected.stateOf('admin')).openSince).toBeUndefined();
    await corrected.wakeHeld();
    expect(await world.jobs.getWaitingCount()).toBe(1);
  });

  it('lets one job alone try, and not before its time', async () => {
    const world = await createUserStateWorld();
    await open(world);
    world.pass(PROBES.firstMs - 1);
    expect(await begin(world, await world.start())).toMatchObject({ is: 'held' });
    world.pass(1);
    const begun = await Promise.all(
      [await world.start(), await world.start()].map((job) => begin(world, job)),
    );
    expect(begun.map(({ is }) => is).sort()).toEqual(['held', 'locked']);
    expect(begun.find(({ is }) => is === 'locked')).toMatchObject({ passage: { probes: ['admin'] } });
  });

  it('is tried half as often after each probe that was refused, down to a limit', async () => {
    const world = await createUserStateWorld();
    await open(world);
    const waits: number[] = [];
    for (let n = 0; n < 5; n += 1) {
      const { openSince = 0, probeAt = 0 } = await world.circuits.stateOf('admin');
      waits.push(probeAt - openSince - waits.reduce((sum, ms) => sum + ms, 0));
      world.pass(waits.at(-1) ?? 0);
      expect(await refuse(world, await world.start())).toBe('held');
    }
    expect(waits).toEqual([5000, 10_000, 20_000, 40_000, 40_000]);
  });

  it('is not tried before the time that the other side asked for', async () => {
    const world = await createUserStateWorld();
    await open(world, { afterMs: 60_000 });
    world.pass(59_999);
    expect(await begin(world, await world.start())).toMatchObject({ is: 'held' });
    world.pass(1);
    expect(await begin(world, await world.start())).toMatchObject({ is: 'locked' });
  });

  it('has another job try where the one that did is gone, or cannot tell', async () => {
    const world = await createUserStateWorld({ lockMs: 10_000 });
    await open(world);
    world.pass(PROBES.firstMs);
    const [lost, silent, next] = [await world.start(), await world.start(), await world.start()];
    expect(await begin(world, lost)).toMatchObject({ is: 'locked' });
    world.pass(20_001);
    expect(await begin(world, silent)).toMatchObject({ is: 'locked' });
    await world.circuits.probed(world.runOf(silent), 'admin', false);
    expect(await begin(world, next)).toMatchObject({ is: 'locked' });
    expect(world.changes).toHaveLength(1);
  });

  it('has another job try at the moment when the one that did has had its time', async () => {
    const world = await createUserStateWorld({ lockMs: 10_000 });
    await open(world);
    world.pass(PROBES.firstMs);
    expect(await begin(world, await world.start())).toMatchObject({ is: 'locked' });
    world.pass(9_999);
    expect(await begin(world, await world.start())).toMatchObject({ is: 'held' });
    world.pass(1);
    expect(await begin(world, await world.start())).toMatchObject({ is: 'locked' });
  });

  it('is tried by the same job again where no other waits', async () => {
    const world = await createUserStateWorld();
    const alone = await open(world);
    for (let n = 0; n < 2; n += 1) {
      world.pass(PROBES.lastMs);
      await world.circuits.wakeHeld();
      const woken = await world.fetch();
      expect(woken.id).toBe(alone.id);
      expect(await refuse(world, woken)).toBe('held');
    }
  });

  it('leaves nothing for ever: what is held, and which credential was refused', async () => {
    const world = await createUserStateWorld();
    await open(world);
    const key = `${world.prefix}:circuit:admin`;
    expect(await world.redis.ttl(`${key}:held`)).toBeGreaterThan(89 * 24 * 3600);
    expect(await world.redis.ttl(`${key}:refused`)).toBeGreaterThan(0);
    expect(await world.redis.ttl(`${key}:refused`)).toBeLessThanOrEqual(10);
  });

  it('that cannot be tried from behind another is free for the next job, where none waits', async () => {
    const world = await createUserStateWorld();
    const away = { circuit: 'damoov', reason: 'away' } as const;
    const first = await world.start();
    const taken = await begin(world, first);
    if (taken.is !== 'locked') throw new Error(`not taken: ${taken.is}`);
    await taken.user.unlock({ record: taken.user.record });
    await world.circuits.refuse(world.runOf(first), versionFor(first), away);
    await world.hold(first);
    await world.circuits.refuse(world.runOf(first), versionFor(first), REFUSED);
    world.pass(PROBES.firstMs);
    // The admin's time is put off: only the outage's is due.
    await world.redis.hset(`${world.prefix}:circuit:admin:a`, 'probe', 9e15);
    await world.circuits.wakeHeld();
    expect(await begin(world, await world.fetch())).toEqual({ is: 'held', circuit: 'admin' });
    const next = await world.start('create-user');
    const begun = await world.userState.begin(
      world.runOf(next),
      { name: 'create-user', version: versionFor(next), timestamp: next.timestamp },
      instance,
      { clientId: 'c-9' },
      { must: ['damoov'], may: [] },
    );
    expect(begun).toMatchObject({ is: 'locked', passage: { probes: ['damoov'] } });
  });

  it('is not tried twice in a row by the same job where others wait', async () => {
    const world = await createUserStateWorld();
    await open(world);
    world.pass(PROBES.firstMs);
    const stubborn = await world.start();
    await refuse(world, stubborn);
    world.pass(PROBES.lastMs);
    await stubborn.promote();
    expect(await begin(world, await world.fetch())).toMatchObject({ is: 'held' });
  });

  it('has another job woken than the one that was refused last', async () => {
    const world = await createUserStateWorld();
    const oldest = await open(world);
    for (let n = 0; n < 3; n += 1) {
      world.pass(PROBES.lastMs);
      await oldest.promote();
      expect(await refuse(world, await world.fetch())).toBe('held');
      const other = await world.start();
      expect(await begin(world, other)).toMatchObject({ is: 'held' });
      world.pass(PROBES.lastMs);
      await world.circuits.wakeHeld();
      const woken = await world.fetch();
      expect(woken.id).not.toBe(oldest.id);
      expect(await refuse(world, woken)).toBe('held');
    }
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

  it('that cannot be tried from behind another has the next job woken at once', async () => {
    const world = await createUserStateWorld();
    const away = { circuit: 'damoov', reason: 'away' } as const;
    const ids: (string | undefined)[] = [];
    // Open the outage's circuit first, with three jobs before it; then the admin's.
    const probeJob = await world.start();
    const taken = await begin(world, probeJob);
    if (taken.is !== 'locked') throw new Error(`not taken: ${taken.is}`);
    await taken.user.unlock({ record: taken.user.record });
    await world.circuits.refuse(world.runOf(probeJob), versionFor(probeJob), away);
    await world.hold(probeJob);
    for (let n = 0; n < 3; n += 1) {
      const job = await world.start();
      expect(await begin(world, job)).toMatchObject({ is: 'held', circuit: 'damoov' });
      ids.push(job.id);
    }
    world.pass(PROBES.firstMs);
    const prober = await world.start();
    expect(await refuse(world, prober)).toBe('held');
    await world.circuits.probed(world.runOf(prober), 'damoov', false);
    await world.circuits.wakeHeld();
    for (const _ of [1, 2, 3, 4]) {
      expect(await begin(world, await world.fetch())).toEqual({ is: 'held', circuit: 'admin' });
    }
    expect(await world.circuits.stateOf('damoov')).toMatchObject({ held: 0 });
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

  it('is tried at intervals of its own: an outage, a credential, and the deletion limit never', async () => {
    const world = await createUserStateWorld();
    const circuits = new RedisCircuits({
      prefix: world.prefix,
      jobs: world.jobs,
      jobQueue: { promote: async () => 'gone' },
      lockMs: 10_000,
      fingerprints: new Map([['damoov', 'z'], ['admin', 'z'], DELETION_LIMIT]),
      probes: { outage: { firstMs: 1000, lastMs: 1000 }, credential: { firstMs: 7000, lastMs: 7000 } },
      onChange: () => {},
    });
    const job = await world.start();
    const waits = [];
    for (const circuit of ['damoov', 'admin', 'deletion-limit'] as const) {
      await circuits.refuse(world.runOf(job), versionFor(job), { circuit, reason: 'not today' });
      const { openSince = 0, probeAt = 0 } = await circuits.stateOf(circuit);
      waits.push(probeAt - openSince);
    }
    expect(waits).toEqual([1000, 7000, 1e12]);
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

  it('wakes a job to try it where none comes by itself', async () => {
    const world = await createUserStateWorld();
    const job = await open(world);
    expect((await begin(world, await world.start())).is).toBe('held');
    await world.circuits.wakeHeld();
    expect(await waiting(world)).toEqual([]);
    world.pass(PROBES.firstMs);
    // One of the two jobs, for each worker and each time.
    await Promise.all([world.circuits.wakeHeld(), world.circuits.wakeHeld()]);
    expect(await waiting(world)).toEqual([job.id]);
    expect(await begin(world, await world.fetch())).toMatchObject({
      is: 'locked',
      passage: { probes: ['admin'] },
    });
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
