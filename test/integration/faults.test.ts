import { describe, expect, it } from 'vitest';
import type { SandboxModes } from '../../src/sandbox/server.ts';
import { startFaultyDeletes } from '../support/faulty-deletes.ts';
import { createFaultyWorld } from '../support/faulty-world.ts';
import { SHORT_PROBES } from '../support/short-probes.ts';
import { type World, createWorld } from '../support/world.ts';

const SIGN_UPS = 20;

/** Signs users up and answers their events, in the order of the sign-ups. */
async function signUp(world: World, count = SIGN_UPS) {
  const jobIds = await Promise.all(
    Array.from({ length: count }, (_, n) =>
      world.add('create-user', { clientId: `c-${n}`, profile: { phone: `${n}` } }),
    ),
  );
  return Promise.all(jobIds.map((id) => world.eventOf(id)));
}

/** What every fault has to leave intact: each sign-up has one user, and its event names that user. */
async function expectOneUserEach(world: World, events: Awaited<ReturnType<typeof signUp>>) {
  const users = (await world.users()).filter((user) => user.deletedAt === null);
  const userIdByClient = Object.fromEntries(users.map((user) => [user.clientId, user.deviceToken]));
  expect(users).toHaveLength(events.length);
  expect(events.map(({ type }) => type)).toEqual(events.map(() => 'user.created'));
  expect(Object.fromEntries(events.map(({ data }) => [data.clientId, data.userId]))).toEqual(userIdByClient);
}

describe('a lost reply', () => {
  it.each(['same', '409', '422', '400', 'second-user'] as const)(
    'never makes a second user, where a known token is answered with %s',
    async (duplicateToken) => {
      const world = await createFaultyWorld({ commitThenDropRate: 0.4, duplicateToken });
      await expectOneUserEach(world, await signUp(world));
      const lost = (await world.requests('create')).filter(
        ({ applied, status }) => applied && status === null,
      );
      expect(lost.length).toBeGreaterThan(0);
    },
  );

  it('never makes a second user where Damoov assigns the id', async () => {
    const world = await createFaultyWorld(
      { commitThenDropRate: 0.4, ignoreCustomToken: true },
      { DAMOOV_USER_ID: 'assigned' },
    );
    await expectOneUserEach(world, await signUp(world));
  });

  it('of a create that nobody can look up is left to a person, and never sent again', async () => {
    const world = await createFaultyWorld({ commitThenDropRate: 1 }, { DAMOOV_USER_ID: 'assigned' });
    const event = await world.run('create-user', { profile: { firstName: 'Ada' } });
    expect(event).toMatchObject({ type: 'user.failed', data: { code: 'outcome-unknown' } });
    expect(await world.requests('create')).toHaveLength(1);
  });

  it('of updates and deletions is made good', async () => {
    const world = await createFaultyWorld({});
    await signUp(world, 10);
    await world.setModes({ commitThenDropRate: 0.4, seed: 3 });
    const ids = Array.from({ length: 10 }, (_, n) => `c-${n}`);
    const updates = await Promise.all(
      ids.map((clientId) => world.run('update-user', { clientId, changes: { phone: 'new' } })),
    );
    expect(updates.map(({ type }) => type)).toEqual(ids.map(() => 'user.updated'));
    expect((await world.users()).map(({ phone }) => phone)).toEqual(ids.map(() => 'new'));

    const deletions = await Promise.all(ids.map((clientId) => world.run('delete-user', { clientId })));
    expect(deletions.map(({ type }) => type)).toEqual(ids.map(() => 'user.deleted'));
    expect((await world.users()).filter(({ deletedAt }) => deletedAt === null)).toEqual([]);
  });
});

describe('a fault that passes', () => {
  const faults: [string, Partial<SandboxModes>][] = [
    ['an error 500 with an envelope', { errorRate: 0.4 }],
    ['an error 503 with an HTML page', { errorRate: 0.4, errorStatus: 503, errorBody: 'html' }],
    ['an error 502 with nothing', { errorRate: 0.4, errorStatus: 502, errorBody: 'empty' }],
    ['an error 500 under HTTP 200', { errorRate: 0.4, envelopeErrors: true }],
    ['a connection cut before anything happened', { dropRate: 0.4 }],
    ['a look-up that lags behind', { findLagMs: 150, commitThenDropRate: 0.2 }],
  ];
  it.each(faults)('%s costs retries and nothing else', async (_fault, modes) => {
    const world = await createFaultyWorld(modes);
    await expectOneUserEach(world, await signUp(world));
    const creates = await world.requests('create');
    expect(creates.length > SIGN_UPS || creates.some(({ status }) => status !== 200)).toBe(true);
  });

  /** However slow the machine is: nothing passes until something was refused, and after that not all of it at once. */
  async function signUpTooFast(world: World, retryAfter: number | null) {
    await world.setModes({ rateLimit: { max: 0, windowMs: 400, retryAfter } });
    const signingUp = signUp(world, 5);
    const refused = async () =>
      (await world.requests('create')).filter(({ status }) => status === 429).length;
    await expect.poll(refused, { interval: 5 }).toBeGreaterThan(0);
    await world.setModes({ rateLimit: { max: 4, windowMs: 400, retryAfter } });
    return signingUp;
  }

  it.each([
    ['with', 1],
    ['without', null],
  ])('a 429 %s Retry-After costs retries and nothing else', async (_with, retryAfter) => {
    const world = await createFaultyWorld({});
    await expectOneUserEach(world, await signUpTooFast(world, retryAfter));
  });

  it('that asks for patience gets it', async () => {
    const world = await createFaultyWorld({ rateLimit: { max: 0, windowMs: 600, retryAfter: 1 } });
    await world.add('create-user', { clientId: 'c-1' });
    const delays = () =>
      world.logLines
        .map((line) => JSON.parse(line) as { reason?: string; delayMs?: number })
        .filter(({ reason }) => reason?.includes('429'))
        .map(({ delayMs }) => delayMs);
    await expect.poll(delays).not.toEqual([]);
    for (const delayMs of delays()) expect(delayMs).toBeGreaterThanOrEqual(1000);
  });

  it('that does not pass ends in the failed set, with the attempts counted', async () => {
    const world = await createFaultyWorld({ errorRate: 1 }, { JOB_ATTEMPTS: '4' });
    const jobId = await world.add('create-user', { clientId: 'c-1' });
    const event = await world.eventOf(jobId);
    expect(event).toMatchObject({ type: 'user.failed', data: { code: 'retries-exhausted', attempts: 4 } });
    await expect.poll(async () => (await world.jobs.getJob(jobId))?.getState()).toBe('failed');
    expect(await world.jobs.getJob(jobId)).toMatchObject({ attemptsMade: 4 });
    // One create, and look-ups that could not show whether it was applied; the first fault might have been an outage.
    expect((await world.requests()).slice(-5).map(({ operation }) => operation)).toEqual([
      'create',
      'find',
      'find',
      'find',
      'find',
    ]);
  });

  it('is retried by the policy of the worker, whatever the job was added with', async () => {
    const world = await createFaultyWorld({ errorRate: 1 }, { JOB_ATTEMPTS: '4' });
    const event = await world.run(
      'create-user',
      { clientId: 'c-1' },
      { attempts: 1, backoff: { type: 'fixed', delay: 3_600_000 }, removeOnFail: true },
    );
    expect(event.data).toMatchObject({ attempts: 4 });
    await expect.poll(() => world.jobs.getFailedCount()).toBe(1);
  });
});

describe('an admin session', () => {
  it.each(['401', '400', '419-envelope'] as const)(
    'that has expired is renewed, where a spent refresh token is answered with %s',
    async (badRefresh) => {
      const world = await createWorld({ modes: { badRefresh } });
      await signUp(world, 3);
      await world.run('update-user', { clientId: 'c-0', changes: { phone: '1' } });
      await world.setModes({ accessTokenTtlMs: 0 });
      await world.setModes({ accessTokenTtlMs: 86_400_000 });
      for (const clientId of ['c-0', 'c-1', 'c-2']) {
        expect(await world.run('update-user', { clientId, changes: { phone: '2' } })).toMatchObject({
          type: 'user.updated',
        });
      }
      expect(await world.requests('login')).toHaveLength(1);
      expect(await world.requests('refresh')).toHaveLength(1);
      expect((await world.requests('find')).map(({ status }) => status)).toEqual([200, 401, 200, 200, 200]);
      expect((await world.requests('update')).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    },
  );

  it('is opened once, however many jobs want it at once', async () => {
    const world = await createWorld();
    await signUp(world);
    const updates = Array.from({ length: SIGN_UPS }, (_, n) =>
      world.run('update-user', { clientId: `c-${n}`, changes: { phone: 'x' } }),
    );
    await Promise.all(updates);
    expect(await world.requests('login')).toHaveLength(1);
  });

  it('is not opened for creates alone', async () => {
    const world = await createWorld();
    await signUp(world);
    expect(await world.requests('login')).toEqual([]);
  });
});

describe('a refused credential costs no job and no attempt', () => {
  it.each(['401', '403', '404', '422', '200-empty'] as const)(
    'where a bad InstanceKey is answered with %s',
    async (badKey) => {
      const world = await createWorld({
        modes: { badKey },
        env: { DAMOOV_INSTANCE_KEY: 'wrong', JOB_ATTEMPTS: '2' },
        timings: { probes: { ...SHORT_PROBES.probes, credential: { firstMs: 5, lastMs: 20 } } },
        startsWorker: false,
      });
      const worker = await world.startWorker();
      const jobIds = await Promise.all(
        [1, 2, 3].map((n) => world.add('create-user', { clientId: `c-${n}` })),
      );
      // One of them at least has been refused more often than it has attempts.
      await expect.poll(async () => (await world.requests('create')).length).toBeGreaterThan(9);
      expect(world.events).toEqual([]);
      await worker.close();

      delete world.env['DAMOOV_INSTANCE_KEY'];
      world.env['DAMOOV_INSTANCE_KEY'] = '22222222-2222-4222-8222-222222222222';
      await world.startWorker();
      const events = await Promise.all(jobIds.map((id) => world.eventOf(id)));
      expect(events.map(({ type }) => type)).toEqual(['user.created', 'user.created', 'user.created']);
      for (const id of jobIds) {
        await expect.poll(async () => (await world.jobs.getJob(id))?.attemptsMade).toBe(1);
      }
      const refusals = world.logLines.filter((line) => line.includes('credential refused'));
      expect(refusals).toHaveLength(1);
    },
  );

  it('where the admin password is wrong, and creates go on', async () => {
    let laterMs = 0;
    const world = await createWorld({
      env: { DAMOOV_ADMIN_PASSWORD: 'wrong', JOB_ATTEMPTS: '2' },
      timings: { now: () => Date.now() + laterMs },
      startsWorker: false,
    });
    const worker = await world.startWorker();
    await signUp(world, 2);
    const jobIds = await Promise.all(
      ['c-0', 'c-1'].map((clientId) => world.add('delete-user', { clientId })),
    );
    await expect.poll(() => world.jobs.getDelayedCount()).toBe(2);
    expect(await world.run('create-user', { clientId: 'another' })).toMatchObject({ type: 'user.created' });
    // However long this takes: the last login of the hour is for the password that is right.
    expect((await world.requests('login')).length).toBeLessThanOrEqual(3);
    await worker.close();

    // After a refused login no process tries again for two seconds.
    laterMs = 2000;
    world.env['DAMOOV_ADMIN_PASSWORD'] = 'sandbox-password';
    await world.startWorker();
    const events = await Promise.all(jobIds.map((id) => world.eventOf(id)));
    expect(events.map(({ type }) => type)).toEqual(['user.deleted', 'user.deleted']);
  });
});

describe('a deletion', () => {
  /** One clock for the look-ups that lag and for the runs that wait for them: no wait takes time. */
  async function createLaggingWorld(modes: Partial<SandboxModes>) {
    const clock = { now: Date.now() };
    const world = await createWorld({
      modes,
      sandbox: { clock: () => clock.now },
      timings: { pause: async (ms) => void (clock.now += ms) },
      startsWorker: false,
    });
    const deletes = await startFaultyDeletes(world.sandboxUrl);
    world.env['DAMOOV_BASE_URL'] = deletes.url;
    await world.startWorker();
    await world.run('create-user', { clientId: 'c-1' });
    return { world, deletes };
  }

  it.each([
    ['404', 404],
    ['403', 403],
    ['200-null', 200],
  ] as const)(
    'whose first answer was lost is confirmed, where an unknown user is answered with %s',
    async (unknownDelete, status) => {
      const { world, deletes } = await createLaggingWorld({ unknownDelete });
      await world.setModes({ findLagMs: 400 });
      deletes.fault = 'lost';
      const deletion = await world.add('delete-user', { clientId: 'c-1' });
      const sent = async () => world.requests('delete');
      await expect.poll(async () => (await sent()).length).toBeGreaterThan(0);
      deletes.fault = 'none';
      expect(await world.eventOf(deletion)).toMatchObject({
        type: 'user.deleted',
        data: { existed: true, verified: true },
      });
      expect((await sent())[0]).toMatchObject({ status: 200, applied: true });
      expect((await sent()).at(-1)).toMatchObject({ status, applied: false });
    },
  );

  it('that Damoov forbids fails, and says so', async () => {
    const { world } = await createLaggingWorld({ unknownDelete: '403' });
    await world.run('update-user', { clientId: 'c-1', changes: { phone: '1' } });
    // Look-ups see the user as before, the deletion itself is answered with 403: it reads as lacking rights.
    await world.setModes({ findLagMs: 3_600_000 });
    const first = await world.add('delete-user', { clientId: 'c-1' });
    expect(await world.eventOf(first)).toMatchObject({ type: 'user.failed', data: { code: 'forbidden' } });
  });
});
