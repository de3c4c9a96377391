import { expect, it } from 'vitest';
import { fastClock } from '../support/fast-clock.ts';
import { spawnShortLockedWorker } from '../support/spawn-worker.ts';
import { createWorld } from '../support/world.ts';

const HOUR_MS = 3_600_000;
const USERS = 100;
const UPDATES_EACH = 10;
const LOGINS_PER_HOUR = 4;

/** How many of these moments at the most fall into one window of so many milliseconds. */
function mostIn(windowMs: number, moments: readonly number[]): number {
  return Math.max(
    0,
    ...moments.map((from) => moments.filter((at) => at >= from && at < from + windowMs).length),
  );
}

it('two hours with a wrong password cost no job, and no more log-ins than the budget allows', async () => {
  const clock = { startedAt: Date.now(), speed: 600 };
  const now = fastClock(clock);
  const world = await createWorld({
    startsWorker: false,
    sandbox: { clock: now },
    env: { DAMOOV_ADMIN_PASSWORD: 'wrong', DAMOOV_LOGINS_PER_HOUR: `${LOGINS_PER_HOUR}`, JOB_ATTEMPTS: '2' },
  });
  const env = { ...world.env, TEST_CLOCK: JSON.stringify(clock) };
  const workers = [spawnShortLockedWorker(env), spawnShortLockedWorker(env)];
  const clientIds = Array.from({ length: USERS }, (_, n) => `c-${n}`);
  await world.jobs.addBulk(clientIds.map((clientId) => ({ name: 'create-user', data: { clientId } })));
  await expect.poll(() => world.events.length).toBe(USERS);

  const updates = Array.from({ length: UPDATES_EACH }, (_, n) =>
    clientIds.map((clientId) => ({ name: 'update-user', data: { clientId, changes: { phone: `${n}` } } })),
  );
  await world.jobs.addBulk(updates.flat());
  const refusedFrom = now();
  await expect.poll(now, { timeout: 60_000 }).toBeGreaterThan(refusedFrom + 2 * HOUR_MS);
  expect(world.events).toHaveLength(USERS);
  const logins = (await world.requests('login')).map(({ at }) => Date.parse(at));
  expect(logins.length).toBeGreaterThan(LOGINS_PER_HOUR - 1);
  expect(mostIn(HOUR_MS, logins)).toBeLessThanOrEqual(LOGINS_PER_HOUR);
  expect(await world.jobs.getFailedCount()).toBe(0);

  for (const { child, exit } of workers) {
    child.kill();
    await exit;
  }
  spawnShortLockedWorker({ ...env, DAMOOV_ADMIN_PASSWORD: 'sandbox-password' });
  await expect.poll(() => world.events.length).toBe(USERS * (1 + UPDATES_EACH));
  const types = new Set(world.events.slice(USERS).map(({ type }) => type));
  expect([...types].filter((type) => type !== 'user.updated' && type !== 'user.superseded')).toEqual([]);
  expect(new Set((await world.users()).map(({ phone }) => phone))).toEqual(new Set(['9']));
  const all = (await world.requests('login')).map(({ at }) => Date.parse(at));
  expect(mostIn(HOUR_MS, all)).toBeLessThanOrEqual(LOGINS_PER_HOUR);
});
