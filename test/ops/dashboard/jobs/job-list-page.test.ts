import { describe, expect, it } from 'vitest';
import { makeFailedJobs } from '../../../support/failed-jobs.ts';
import { tracesOf } from '../../../support/traces.ts';
import { createDashboardWorld } from '../dashboard-world.ts';

const MARKS = ['Lovelacemark', 'adamark', 'tokenmark', 'namemark', 'failuremark', 'reasonmark'];
const PROFILE = { firstName: 'Lovelacemark', email: 'adamark@example.com' };

describe('the jobs of a state', () => {
  it('are waiting ones as the tile counts them, the next first, those with a priority behind', async () => {
    const world = await createDashboardWorld();
    await world.jobs.pause();
    const add = (clientId: string, options = {}) => world.add('create-user', { clientId }, options);
    const first: string[] = [];
    for (let n = 0; n < 48; n += 1) first.push(await add(`plain-${n}`));
    for (let n = 0; n < 5; n += 1) first.push(await add(`bulk-${n}`, { priority: 1000 }));
    const fleet = await world.page('');
    const page = await world.page((fleet.links.get('Waiting') ?? '').replace('/dashboard', ''));
    expect(page.text).toContain('Waiting 53');
    expect(page.text).toContain('1 to 50 of 53.');
    const next = await world.page((page.links.get('Next') ?? '').replace('/dashboard', ''));
    expect(next.text).toContain('51 to 53 of 53.');
    const listed = [page, next].flatMap(({ html }) =>
      [...html.matchAll(/href="\/dashboard\/jobs\/(\d+)"/g)].map(([, id]) => id),
    );
    expect(listed).toEqual(first);
  });

  it('show neither personal data nor a secret, whatever the state', async () => {
    const world = await createDashboardWorld({ env: { JOB_ATTEMPTS: '1' } });
    await world.run('create-user', { clientId: 'done-1', profile: PROFILE, createAccessToken: true });
    await world.run('update-user', { userId: crypto.randomUUID(), changes: PROFILE, instance: 'none' });
    await world.jobs.pause();
    await world.add('update-user', { clientId: 'waiting-1', changes: PROFILE });
    await world.add('delete-user', { clientId: 'later-1', reason: 'reasonmark' }, { delay: 1e9 });
    const odd = await world.add('namemark', { Lovelacemark: { accessToken: 'tokenmark' } });
    await world.redis.hset(world.jobs.toKey(odd), 'stacktrace', '["failuremark"]', 'data', 'not adamark');
    await makeFailedJobs(world.redis, world.prefix, { count: 1, reason: 'Error: failuremark' });
    const seen: string[] = [];
    for (const state of [
      'waiting',
      'active',
      'blocked',
      'held',
      'delayed',
      'failed',
      'completed',
      'waiting-children',
    ]) {
      const { status, html } = await world.page(`/jobs?state=${state}`);
      expect(status).toBe(200);
      seen.push(html);
    }
    for (const shown of ['done-1', 'waiting-1', 'later-1', 'unknown-instance'])
      expect(seen.join()).toContain(shown);
    expect(tracesOf(MARKS, seen)).toEqual([]);
  });

  it('say why a delayed job waits, and lead from a held deletion to what holds it', async () => {
    const world = await createDashboardWorld({ env: { DELETIONS_PER_HOUR: '0' } });
    await world.run('create-user', { clientId: 'c-1' });
    const held = await world.add('delete-user', { clientId: 'c-1' });
    await world.add('create-user', { clientId: 'later' }, { delay: 86_400_000 });
    await expect.poll(async () => (await world.page('/jobs?state=held')).text).toContain('Held 1');
    const page = await world.page('/jobs?state=held');
    expect(page.text).toContain(`${held} delete-user c-1 Deletion limit`);
    const delayed = await world.page('/jobs?state=delayed');
    expect(delayed.text).toContain(`${held} delete-user c-1 once it is released held`);
    expect(delayed.text).toMatch(/create-user later \S+ \S+ in 23h deferred, or not begun/);
  });

  it('are blocked ones where another job has locked their user', async () => {
    const world = await createDashboardWorld({ modes: { latencyMs: 4000 } });
    const running = await world.add('create-user', { clientId: 'c-1' });
    const state = async (id: string) => world.jobs.getJobState(id);
    await expect.poll(() => state(running)).toBe('active');
    const blocked = await world.add('update-user', { clientId: 'c-1', changes: { phone: '1' } });
    await expect.poll(() => state(blocked)).toBe('delayed');
    const { text } = await world.page('/jobs?state=blocked');
    expect(text).toContain('Looked at the delayed jobs 1 to 1 of 1: 1 is found blocked.');
    expect(text).toContain(`${blocked} update-user c-1`);
    expect((await world.page(`/jobs/${blocked}`)).text).toContain('Delayed: blocked');
    await world.setModes({ latencyMs: 0 });
  });

  it('by code are looked for among a bounded number, and the page says how far it has looked', async () => {
    const world = await createDashboardWorld();
    const { redis, prefix } = world;
    const failedAt = Date.now() - 3_600_000;
    await makeFailedJobs(redis, prefix, { count: 1, idStart: 'old', reason: 'rejected: no', failedAt });
    await makeFailedJobs(redis, prefix, { count: 620, idStart: 'mid', failedAt: failedAt + 1000 });
    const first = await world.page('/jobs?state=failed&code=rejected');
    expect(first.text).toContain(
      'Looked at the failed jobs 1 to 500 of 621: none of these has the code rejected.',
    );
    expect(first.text).not.toContain('No failed job');
    const further = await world.page((first.links.get('Look further') ?? '').replace('/dashboard', ''));
    expect(further.text).toContain('Looked at the failed jobs 501 to 621 of 621: 1 has the code rejected.');
    expect(further.text).toContain('old-1');
    expect(further.links.has('Look further')).toBe(false);
    const many = await world.page('/jobs?state=failed&code=retries-exhausted');
    expect(many.text).toContain(
      'Looked at the failed jobs 1 to 50 of 621: 50 have the code retries-exhausted.',
    );
    await redis.del(`${prefix}:user-jobs:failed`);
    const none = await world.page('/jobs?state=failed&code=rejected');
    expect(none.text).toContain('No failed job has the code rejected: all 0 were looked at.');
  });

  it('say that a page is behind the last, and that none is there only where none is', async () => {
    const world = await createDashboardWorld();
    expect((await world.page('/jobs?state=failed')).text).toContain('There is none.');
    await makeFailedJobs(world.redis, world.prefix, { count: 3 });
    const { text } = await world.page('/jobs?state=failed&from=50');
    expect(text).toContain('There are 3; none of them is on this page.');
  });

  it('show the others beside what is too large, unreadable, or gone meanwhile', async () => {
    const { jobs, redis, page } = await createDashboardWorld();
    await jobs.pause();
    const added = ['large', 'unreadable', 'whole', 'gone'].map((jobId) => ({
      name: 'create-user',
      data: { clientId: `of-${jobId}` },
      opts: { jobId },
    }));
    await jobs.addBulk(added);
    await redis.hset(jobs.toKey('large'), 'data', `{"clientId":"${'x'.repeat(1_000_000)}"}`);
    await redis.hset(jobs.toKey('unreadable'), 'opts', 'no JSON');
    await redis.del(jobs.toKey('gone'));
    const { text } = await page('/jobs?state=waiting');
    expect(text).toContain('large create-user unknown');
    expect(text).toContain('whole create-user of-whole');
    for (const jobId of ['unreadable', 'gone'])
      expect(text).toContain(`${jobId} unreadable, or gone meanwhile`);
  });

  it.each([
    [
      'state=sleeping&code=x&from=-1&x=1&state=active',
      [
        '"x" is not known here (known: state, code, from).',
        'state is given twice.',
        'code must be one of invalid-job',
        'from must be a number from 0',
      ],
    ],
    ['state=sleeping', ['state must be one of waiting, active, blocked, held, delayed']],
    ['state=waiting&code=rejected', ['code is only of failed jobs']],
  ])('refuse a query with each of its faults: %s', async (query, faults) => {
    const world = await createDashboardWorld();
    const page = await world.page(`/jobs?${query}`);
    expect(page.status).toBe(400);
    for (const fault of faults) expect(page.text).toContain(fault);
  });
});
