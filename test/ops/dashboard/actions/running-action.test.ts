import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { type End, type Note, actionOf } from '../../../../src/ops/dashboard/actions/action.ts';
import { actionPage } from '../../../../src/ops/dashboard/actions/action-page.ts';
import { createRunner } from '../../../../src/ops/dashboard/actions/running-action.ts';
import { createActionRecords } from '../../../../src/store/actions/action-records.ts';
import { createAuditLog } from '../../../../src/store/audit/audit-log.ts';
import { makeFailedJobs } from '../../../support/failed-jobs.ts';
import { startTcpProxy } from '../../../support/tcp-proxy.ts';
import { createWorld } from '../../../support/world.ts';
import { createOperatorWorld, fieldsIn, leadOf, pathOf } from './operator-world.ts';

/** A runner of one action, which does what the test says. */
async function createRunnerWorld(carryOut: (note: Note) => Promise<End>) {
  const { jobs, redis, prefix } = await createWorld({ startsWorker: false });
  const records = createActionRecords(jobs, prefix);
  const audit = createAuditLog({ connection: redis, prefix });
  const errors: Error[] = [];
  const parts = { connection: redis, prefix, jobs, events: [], instances: new Set<string>() };
  const runner = createRunner({ parts, records, audit, onError: (error) => errors.push(error) });
  onTestFinished(() => runner.close());
  const action = actionOf({
    name: 'test',
    command: 'test it',
    button: 'Test',
    filter: z.object({}),
    plan: async () => ({ question: '', count: 0, effect: '' }),
    carryOut: async (_filter, _confirmed, _parts, note) => carryOut(note),
  });
  const order = {
    id: 'an-id',
    action,
    read: action.read({}),
    question: 'Test 10 jobs',
    confirmed: { count: 10 },
    reason: undefined,
    account: { name: 'anna', role: 'operator' },
    address: '::1',
  } as const;
  const page = async () => actionPage('an-id', await records.read('an-id'), false);
  const lead = async () => leadOf(String(await (await page()).body));
  return { runner, order, records, redis, prefix, audit, errors, page, lead };
}

/** An action whose first page, of four jobs, is under way until the test lets it go on; it may not begin another. */
async function startPage(end: { seen: number; done: number }) {
  const { promise: noted, resolve: hasNoted } = Promise.withResolvers<void>();
  const { promise: goesOn, resolve: goOn } = Promise.withResolvers<void>();
  const world = await createRunnerWorld(async (note) => {
    await note({ seen: 0, done: 0, inDoubt: 4 });
    hasNoted();
    await goesOn;
    expect(await note({ ...end, inDoubt: 0 })).toBe(false);
    return { isWhole: false, text: '' };
  });
  const started = world.runner.start(world.order, () => true);
  await noted;
  return { world, started, goOn };
}

describe('an action under way', () => {
  it('is recorded before it begins, and shows how far it is until it ends', async () => {
    const { promise: mayEnd, resolve: end } = Promise.withResolvers<void>();
    const { promise: noted, resolve: hasNoted } = Promise.withResolvers<void>();
    const seen: number[] = [];
    const world = await createRunnerWorld(async (note) => {
      seen.push((await world.audit.read()).length);
      expect(await note({ seen: 4, done: 4, inDoubt: 2 })).toBe(true);
      hasNoted();
      await mayEnd;
      return { isWhole: true, text: '10 tested.' };
    });
    const started = world.runner.start(world.order, () => true);
    await noted;
    expect(await world.lead()).toMatch(/^Under way: 4 of 10 done\./);
    expect((await world.page()).refresh).toEqual({ afterS: 2, to: '/dashboard/actions/done/an-id' });
    expect(await world.runner.start(world.order, () => true)).toBe(false);
    end();
    expect(await started).toBe(true);
    await expect.poll(world.lead).toBe('Done. 10 tested.');
    expect((await world.page()).refresh).toBeUndefined();
    expect(seen).toEqual([1]);
  });

  it('ends with its page when the worker stops, and says what is certain', async () => {
    const { world, started, goOn } = await startPage({ seen: 4, done: 3 });
    const closed = world.runner.close();
    goOn();
    await Promise.all([closed, started]);
    expect(await world.lead()).toMatch(/^Interrupted: .* 3 of 10 changes done for certain\. Start it again/);
  });

  it('does no more once it counts as interrupted', async () => {
    const { world, started, goOn } = await startPage({ seen: 4, done: 4 });
    // As when it has expired.
    await world.redis.del(`${world.prefix}:action:an-id:alive`);
    expect(await world.lead()).toMatch(/no sign of life.* 0 of 10 changes done for certain, up to 4 more/);
    goOn();
    await started;
    await expect.poll(world.lead).toMatch(/ 4 of 10 changes done for certain\. Start/);
  });

  it('that fails says what is certain, and shows no error', async () => {
    const world = await createRunnerWorld(async (note) => {
      await note({ seen: 4, done: 4, inDoubt: 3 });
      throw new Error('secret');
    });
    await world.runner.start(world.order, () => true);
    expect(await world.lead()).toMatch(
      /^It failed .* 4 of 10 changes done for certain, up to 3 more perhaps\./,
    );
    expect(world.errors).toHaveLength(1);
  });

  it('does not begin once nobody waits for it', async () => {
    const world = await createRunnerWorld(async () => {
      throw new Error('it began');
    });
    await world.runner.start(world.order, () => false);
    expect(await world.lead()).toBe('Nothing was changed. Redis answered too late.');
    expect(await world.audit.read()).toEqual([]);
    expect(world.errors).toEqual([]);
  });

  it('that is not known is not called done', async () => {
    const world = await createRunnerWorld(async () => ({ isWhole: true, text: '' }));
    expect(await world.page()).toMatchObject({ title: 'No such action is known', status: 404 });
    await world.records.begin('an-id', { command: 'test', who: 'anna', question: 'Test', total: 1 });
    expect(await world.lead()).toMatch(/^Under way: 0 of 1/);
    await world.redis.del(`${world.prefix}:action:an-id:alive`);
    expect(await world.lead()).toMatch(/^Interrupted before anything was changed/);
  });
});

describe('several workers', () => {
  it('take the forms of each other, and each shows what another carries out', async () => {
    const world = await createOperatorWorld();
    const other = await world.startWorker();
    const fields = {
      token: fieldsIn(await world.get('', other.url))['token'] ?? '',
      filter: '{"queue":"user-jobs"}',
    };
    const { html } = await world.post(pathOf('pauseQueue'), fields);
    const { location } = await world.post(`${pathOf('pauseQueue')}/confirmed`, fieldsIn(html));
    expect(leadOf(await world.get(location, other.url))).toMatch(/^Done\. user-jobs is now paused/);
  });

  it('say of an action whose worker lost Redis on the way that it was interrupted, and how far it came', async () => {
    const proxy = await startTcpProxy(inject('redisUrl'));
    onTestFinished(() => proxy.close());
    const world = await createOperatorWorld({ redisUrlOfWorker: proxy.url });
    await world.jobs.pause();
    await makeFailedJobs(world.redis, world.prefix, { count: 1000 });
    const { html } = await world.press('retryFailed');
    const lost = proxy.dropReplies(1, ':settled:');
    const sent = world.post(`${pathOf('retryFailed')}/confirmed`, fieldsIn(html));
    await lost;
    await proxy.sever();
    const { location } = await sent;
    const id = location.split('/').at(-1);
    await world.redis.del(`${world.prefix}:action:${id}:alive`);
    const other = await createOperatorWorld({ prefix: world.prefix });
    expect(leadOf(await world.get(location, other.url))).toMatch(
      /^Interrupted: .* 0 of 1,000 changes done for certain, up to 200 more perhaps\./,
    );
    await proxy.restore();
    await expect
      .poll(async () => leadOf(await world.get(location, other.url)))
      .toMatch(/^Interrupted: .* [1-9]\d* of 1,000 changes done for certain\. Start/);
    const [, done] = / (\d+) of 1,000/.exec(leadOf(await world.get(location, other.url))) ?? [];
    expect(await world.jobs.getWaitingCount()).toBe(Number(done));
  });
});

describe('where Redis is away', () => {
  it('there are no buttons, and a form changes nothing and says so', async () => {
    const proxy = await startTcpProxy(inject('redisUrl'));
    onTestFinished(() => proxy.close());
    const world = await createOperatorWorld({ redisUrlOfWorker: proxy.url });
    const token = await world.token();
    const confirmed = fieldsIn((await world.press('pauseQueue', { queue: 'user-jobs' })).html);
    await proxy.sever();
    await expect.poll(async () => fieldsIn(await world.get())).toEqual({});
    const asked = await world.post(pathOf('pauseQueue'), { token, filter: '{"queue":"user-jobs"}' });
    expect(asked.status).toBe(503);
    const answer = await world.post(`${pathOf('pauseQueue')}/confirmed`, confirmed);
    expect(answer.status).toBe(503);
    await proxy.restore();
    await expect.poll(async () => fieldsIn(await world.get())['token']).toBeDefined();
    expect(await world.jobs.isPaused()).toBe(false);
    expect(await world.recorded()).toEqual([]);
  });
});
