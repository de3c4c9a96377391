import { pino } from 'pino';
import { expect, it, onTestFinished } from 'vitest';
import { startApp } from '../../src/app/app.ts';
import { fastClock } from '../support/fast-clock.ts';
import { cheapConfig } from '../support/cheap-config.ts';
import { SHORT_PROBES } from '../support/short-probes.ts';
import { spawnShortLockedWorker } from '../support/spawn-worker.ts';
import { createWorld } from '../support/world.ts';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const LOGINS_PER_HOUR = 4;

/** Two workers at a time, before a Damoov that goes by the same clock. */
interface Fleet {
  now: () => number;
  start(env: Record<string, string>): Promise<{ stop(): Promise<void> }>;
  /** Lets at least so much time pass, in which the workers try whatever they may. */
  pass(ms: number): Promise<void>;
}

/** How many of these moments at the most fall into one window of so many milliseconds. */
function mostIn(windowMs: number, moments: readonly number[]): number {
  return Math.max(
    0,
    ...moments.map((from) => moments.filter((at) => at >= from && at < from + windowMs).length),
  );
}

async function spendTwoHoursRefused(users: number, updatesEach: number, fleet: Fleet): Promise<void> {
  const world = await createWorld({
    startsWorker: false,
    sandbox: { clock: fleet.now },
    env: { DAMOOV_ADMIN_PASSWORD: 'wrong', DAMOOV_LOGINS_PER_HOUR: `${LOGINS_PER_HOUR}`, JOB_ATTEMPTS: '2' },
  });
  const loginsSoFar = async () => (await world.requests('login')).map(({ at }) => Date.parse(at));
  const workers = [await fleet.start(world.env), await fleet.start(world.env)];
  const clientIds = Array.from({ length: users }, (_, n) => `c-${n}`);
  await world.jobs.addBulk(clientIds.map((clientId) => ({ name: 'create-user', data: { clientId } })));
  await expect.poll(() => world.events.length).toBe(users);

  const updates = Array.from({ length: updatesEach }, (_, n) =>
    clientIds.map((clientId) => ({ name: 'update-user', data: { clientId, changes: { phone: `${n}` } } })),
  );
  await world.jobs.addBulk(updates.flat());
  await fleet.pass(2 * HOUR_MS);
  expect(world.events).toHaveLength(users);
  const logins = await loginsSoFar();
  expect(logins.length).toBeGreaterThan(LOGINS_PER_HOUR - 1);
  expect(mostIn(HOUR_MS, logins)).toBeLessThanOrEqual(LOGINS_PER_HOUR);
  expect(await world.jobs.getFailedCount()).toBe(0);

  for (const worker of workers) await worker.stop();
  await fleet.start({ ...world.env, DAMOOV_ADMIN_PASSWORD: 'sandbox-password' });
  await expect.poll(() => world.events.length).toBe(users * (1 + updatesEach));
  const types = new Set(world.events.slice(users).map(({ type }) => type));
  expect([...types].filter((type) => type !== 'user.updated' && type !== 'user.superseded')).toEqual([]);
  expect(new Set((await world.users()).map(({ phone }) => phone))).toEqual(new Set([`${updatesEach - 1}`]));
  expect(mostIn(HOUR_MS, await loginsSoFar())).toBeLessThanOrEqual(LOGINS_PER_HOUR);
}

/**
 * Goes from probe to probe, with the product's own intervals: between two of them there is nothing to try. Meanwhile the clock goes on,
 * since a job that was woken to try and then cannot is followed by the next one only after some seconds.
 */
function createStepping(): Fleet {
  let skippedMs = 0;
  const urls: string[] = [];
  const now = () => Date.now() + skippedMs;
  /** When the workers try the admin's credentials next; undefined before they were refused. */
  const nextProbe = async () => {
    const { checks } = (await (await fetch(`${urls[0]}/readyz`)).json()) as {
      checks: Record<string, { reason?: string }>;
    };
    const [, probeAt] = /tried again at (\S+),/.exec(checks['admin']?.reason ?? '') ?? [];
    return probeAt === undefined ? undefined : Date.parse(probeAt);
  };
  return {
    now,
    async start(env) {
      const log = pino({ level: 'silent' });
      const app = await startApp(cheapConfig(env), log, { now, wakeHeldMs: SHORT_PROBES.wakeHeldMs });
      onTestFinished(() => app.close());
      urls.push(app.url);
      return { stop: () => app.close() };
    },
    async pass(ms) {
      const until = now() + ms;
      let dueAt = now();
      while (dueAt < until) {
        // What was due has been tried, and what comes next is settled.
        await expect.poll(nextProbe, { interval: 5 }).toBeGreaterThan(dueAt);
        dueAt = (await nextProbe()) ?? dueAt;
        skippedMs += Math.max(0, dueAt - now());
      }
      await expect.poll(nextProbe, { interval: 5 }).toBeGreaterThan(dueAt);
      skippedMs += MINUTE_MS;
    },
  };
}

/** Processes, and a clock that waits for none of them. */
function createRunning(): Fleet {
  const clock = { startedAt: Date.now(), speed: 600 };
  const now = fastClock(clock);
  return {
    now,
    async start(env) {
      // A sign-up that a busy machine interrupts needs the admin to find its user: no lock may be lost.
      const clocked = { TEST_CLOCK: JSON.stringify(clock), TEST_LOCK_MS: '30000' };
      const worker = spawnShortLockedWorker({ ...env, ...clocked });
      return { stop: async () => expect(await worker.stop()).toBe(0) };
    },
    async pass(ms) {
      const until = now() + ms;
      await expect.poll(now).toBeGreaterThan(until);
    },
  };
}

const TITLE = 'two hours with a wrong password cost no job, and no more logins than the budget allows';

it(TITLE, () => spendTwoHoursRefused(20, 10, createStepping()));

it(`${TITLE}, also where the clock of two processes goes on`, { tags: ['slow'] }, () =>
  spendTwoHoursRefused(100, 10, createRunning()),
);
