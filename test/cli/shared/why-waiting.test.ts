import { describe, expect, it } from 'vitest';
import { runCommand } from '../../support/run-command.ts';
import { createScriptedWorld, createdAsAsked } from '../../support/scripted-world.ts';
import { type World, createWorld } from '../../support/world.ts';

const HOUR_MS = 3_600_000;
const NEVER = { firstMs: HOUR_MS, lastMs: HOUR_MS };
const WITHOUT_PROBES = { probes: { credential: NEVER, outage: NEVER } };

/** What a command that waits in vain says. */
async function toldBy(world: World, ...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await runCommand([...args, '--wait', '--timeout', '50ms'], world.env);
  expect([status, stdout]).toEqual([1, '']);
  expect(stderr).toContain('the job has not ended within 50ms (--timeout): ');
  return stderr;
}

const create = (world: World, key = 'k-1') =>
  toldBy(world, 'create', '--client-id', 'c-1', '--idempotency-key', key);

describe('a wait that is given up says what holds the job', () => {
  it('no worker, and how many are in line', async () => {
    const world = await createWorld({ startsWorker: false });
    expect(await create(world)).toContain(': no worker takes jobs from user-jobs; it is next in line.\n');
    expect(await create(world, 'k-2')).toContain('it is one of 2 jobs in line.\n');
  });

  it('a queue that is paused', async () => {
    const world = await createWorld();
    await world.jobs.pause();
    const told = await create(world);
    expect(told).toContain(': the queue user-jobs is paused; ');
    expect(told).not.toContain('no worker');
  });

  it('a refused key, with the reason and when it is tried again', async () => {
    const world = await createWorld({
      modes: { badKey: '401' },
      env: { DAMOOV_INSTANCE_KEY: 'wrong' },
      timings: WITHOUT_PROBES,
    });
    await create(world);
    await expect
      .poll(() => create(world))
      .toMatch(
        /: the circuit breaker \(gate\) instance-key:default holds it, for \d+s: .*401.*; tried again in/,
      );
  });

  it('the deletion limit', async () => {
    const world = await createWorld({ env: { DELETIONS_PER_HOUR: '0' } });
    await world.signUpElsewhere('c-1');
    await expect
      .poll(() => toldBy(world, 'delete', '--client-id', 'c-1'))
      .toContain(
        ': the deletion limit (brake) holds it: `deletions release` or `deletions refuse` decides.\n',
      );
  });

  it('a rate limit of Damoov', async () => {
    const world = await createWorld({
      modes: { rateLimit: { max: 0, windowMs: HOUR_MS, retryAfter: 3600 } },
    });
    await expect
      .poll(() => create(world))
      .toMatch(/: Damoov answers 429: nothing is sent for (59 minutes|1 hour)/);
    expect(await create(world)).toMatch(/it is tried again at \d{4}-/);
  });

  it('an earlier job of the same user', async () => {
    const { world, damoov } = await createScriptedWorld();
    const { promise: isOver, resolve: goOn } = Promise.withResolvers<void>();
    damoov.script('create', async (response, request) => {
      await isOver;
      await createdAsAsked(response, request);
    });
    await world.add('create-user', { clientId: 'c-1' }, { jobId: 'first' });
    await expect.poll(() => world.jobs.getJobState('first')).toBe('active');
    await expect.poll(() => create(world)).toContain('another job of this user is being carried out first');
    goOn();
  });

  it('nothing that could be read, where Redis is away by then', async () => {
    const world = await createWorld({ startsWorker: false });
    await world.redis.set(`${world.prefix}:rate`, 'no hash');
    expect(await create(world)).toContain('(--timeout): what holds it cannot be read.\n');
  });
});
