import type { Job } from 'bullmq';
import { describe, expect, it } from 'vitest';
import { RedisCircuits } from '../../../src/store/circuits/circuits.ts';
import { DELETION_LIMIT } from '../../../src/store/circuits/deletion-limit.ts';
import { PROBES, createUserStateWorld, instance } from '../users/user-state-world.ts';
import { REFUSED, begin, open, refuse, versionFor, waiting } from './circuits-world.ts';

describe('a circuit', () => {
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
});
