import { expect, it } from 'vitest';
import type { JobQueue } from '../../../src/lifecycle/ports/job-queue.ts';
import { RedisCircuits } from '../../../src/store/circuits/circuits.ts';
import { type UserStateWorld, PROBES, createUserStateWorld } from '../users/user-state-world.ts';
import { REFUSED, open, versionFor, waiting } from './circuits-world.ts';

/** The circuits of another process, which has the jobs promoted in this way. */
const circuitsWith = ({ prefix, jobs }: UserStateWorld, promote: JobQueue['promote'], now?: () => number) =>
  new RedisCircuits({
    now,
    prefix,
    jobs,
    jobQueue: { promote },
    lockMs: 10_000,
    fingerprints: new Map([['admin', 'b']]),
    probes: { outage: PROBES, credential: PROBES },
    onChange: () => {},
  });

async function hold({ redis, prefix }: UserStateWorld, count: number): Promise<void> {
  const scored = Array.from({ length: count }, (_, n) => [n, `job-${n}`]);
  await redis.zadd(`${prefix}:circuit:admin:held`, ...scored.flat());
}

it('one process at a time has jobs promoted, while another asks in vain', async () => {
  const world = await createUserStateWorld();
  const promoter = `${world.prefix}:circuit:admin:promoter`;
  const promoted: string[] = [];
  const other = circuitsWith(world, async (jobId) => {
    promoted.push(`${jobId} by the other`);
    return 'promoted';
  });
  const circuits = circuitsWith(world, async (jobId) => {
    await other.wakeHeld();
    expect(await world.redis.pttl(promoter)).toBeGreaterThan(0);
    promoted.push(jobId);
    return 'promoted';
  });
  await hold(world, 1);
  await circuits.wakeHeld();
  await hold(world, 1);
  await other.wakeHeld();
  expect(promoted).toEqual(['job-0', 'job-0 by the other']);
});

it('a process that has promoted as many as at once, and all, leaves the next ones to any process', async () => {
  const world = await createUserStateWorld();
  await hold(world, 500);
  const circuits = circuitsWith(world, async () => 'promoted');
  await circuits.wakeHeld();
  expect((await circuits.stateOf('admin')).held).toBe(0);
  expect(await world.redis.exists(`${world.prefix}:circuit:admin:promoter`)).toBe(0);
});

it('a process goes on as long as as many are held as it promotes at once', async () => {
  const world = await createUserStateWorld();
  await hold(world, 1001);
  const promoted: string[] = [];
  const circuits = circuitsWith(world, async (jobId) => {
    promoted.push(jobId);
    return 'promoted';
  });
  await circuits.wakeHeld();
  expect(promoted).toEqual(Array.from({ length: 1001 }, (_, n) => `job-${n}`));
});

it('a job that another credential holds again before its promotion is known stays held', async () => {
  const world = await createUserStateWorld();
  await hold(world, 3);
  const circuits = circuitsWith(world, async () => {
    await hold(world, 3);
    return 'promoted';
  });
  await circuits.wakeHeld();
  expect((await circuits.stateOf('admin')).held).toBe(3);
});

it('the jobs that a process was cut off from promoting are promoted by another', async () => {
  const world = await createUserStateWorld();
  await hold(world, 3);
  const cutOff = circuitsWith(world, async () => {
    throw new Error('cut off');
  });
  await expect(cutOff.wakeHeld()).rejects.toThrow('cut off');
  // Five seconds, which the test need not wait for.
  await world.redis.del(`${world.prefix}:circuit:admin:promoter`);
  const promoted: string[] = [];
  const circuits = circuitsWith(world, async (jobId) => {
    promoted.push(jobId);
    return 'promoted';
  });
  await circuits.wakeHeld();
  await circuits.wakeHeld();
  expect(promoted).toEqual(['job-0', 'job-1', 'job-2']);
});

it('a job that is not delayed yet stays held', async () => {
  const world = await createUserStateWorld();
  await hold(world, 3);
  const circuits = circuitsWith(world, async (jobId) => (jobId === 'job-1' ? 'elsewhere' : 'promoted'));
  await circuits.wakeHeld();
  expect(await world.redis.zrange(`${world.prefix}:circuit:admin:held`, '0', '-1')).toEqual(['job-1']);
});

it('thousands of one moment are released', async () => {
  const world = await createUserStateWorld();
  const scored = Array.from({ length: 20_000 }, (_, n) => ['1', `job-${n}`]);
  await world.redis.zadd(`${world.prefix}:circuit:admin:held`, ...scored.flat());
  const circuits = circuitsWith(world, async () => 'promoted');
  await circuits.wakeHeld();
  expect(await world.redis.keys(`${world.prefix}:circuit:*`)).toEqual([]);
});

it('a job that was promoted in vain to try a circuit is gone, and another tries at once', async () => {
  const world = await createUserStateWorld();
  const gone = await open(world);
  const next = await world.start();
  await world.begin(next, { clientId: 'c-2' });
  await world.jobs.remove(gone.id ?? '');
  world.pass(PROBES.firstMs);
  await world.circuits.wakeHeld();
  expect(await waiting(world)).toEqual([next.id]);
});

it('a job that is to try a circuit has five seconds to begin', async () => {
  const world = await createUserStateWorld();
  let [nowMs, asked] = [0, 0];
  const promote = async () => {
    asked += 1;
    return 'elsewhere' as const;
  };
  const circuits = circuitsWith(world, promote, () => nowMs);
  const job = await world.start();
  await circuits.refuse(world.runOf(job), versionFor(job), REFUSED);
  const askedAt = [];
  for (const ms of [PROBES.firstMs - 1, PROBES.firstMs, PROBES.firstMs + 4999, PROBES.firstMs + 5000]) {
    nowMs = ms;
    await circuits.wakeHeld();
    askedAt.push(asked);
  }
  expect(askedAt).toEqual([0, 1, 1, 2]);
});

it('jobs of the same moment are promoted in the order in which the queue has counted them', async () => {
  const world = await createUserStateWorld();
  await world.redis.zadd(`${world.prefix}:circuit:admin:held`, 5, '10', 5, '9');
  const promoted: string[] = [];
  const circuits = circuitsWith(world, async (jobId) => {
    promoted.push(jobId);
    return 'promoted';
  });
  await circuits.wakeHeld();
  expect(promoted).toEqual(['9', '10']);
});
