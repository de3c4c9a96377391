import { describe, expect, it } from 'vitest';
import { createDeletions } from '../../../../src/store/deletions/deletions.ts';
import { createDashboardWorld } from '../dashboard-world.ts';

const DAY_MS = 86_400_000;
const dayOf = (ms: number) => new Date(ms).toISOString().slice(0, 10);

describe('the pending deletions', () => {
  it('of a day lead from the calendar, 50 at a time, the next due first', async () => {
    const world = await createDashboardWorld();
    const deletions = createDeletions(world);
    const begin = Date.parse(dayOf(Date.now() + 3 * DAY_MS));
    for (let n = 0; n < 53; n += 1) await deletions.schedule({ clientId: `c-${n}` }, begin + n * 60_000);
    await deletions.schedule({ clientId: 'before' }, begin - 1);
    await deletions.schedule({ clientId: 'after' }, begin + DAY_MS);
    await deletions.schedule({ clientId: 'far' }, Date.now() + 100 * DAY_MS);
    const { deletions: panel = '' } = (await (await world.ask('/panels.json')).json()) as Record<
      string,
      string
    >;
    const [, href = ''] = /href="\/dashboard(\/deletions\?day=[^"]*)"[^>]*: 53"/.exec(panel) ?? [];
    const page = await world.page(href);
    expect(page.text).toContain('1 to 50 of 53.');
    const users = ({ html }: { html: string }) =>
      [...html.matchAll(/client-id=([^"]*)"/g)].map(([, id]) => id);
    expect(users(page)).toEqual(Array.from({ length: 50 }, (_, n) => `c-${n}`));
    const next = await world.page((page.links.get('Next') ?? '').replace('/dashboard', ''));
    expect(users(next)).toEqual(['c-50', 'c-51', 'c-52']);
    expect(users(await world.page(`/deletions?day=${dayOf(begin - 1)}`))).toEqual(['before']);
    expect(users(await world.page(`/deletions?day=${dayOf(begin + DAY_MS)}`))).toEqual(['after']);
    const [, rest = ''] = /href="\/dashboard(\/deletions\?from-day=[^"]*)"/.exec(panel) ?? [];
    expect(users(await world.page(rest))).toEqual(['far']);
    expect((await world.page('/deletions')).text).toContain('1 to 50 of 56.');
    expect((await world.page('/deletions?day=2027-01-31')).text).toMatch(
      /Due on Sun 31 Jan\. (There is none|1 to)/,
    );
  });

  it('of today include those that are overdue', async () => {
    const world = await createDashboardWorld();
    await world.jobs.pause();
    const { jobs, prefix, redis } = world;
    await createDeletions({ jobs, prefix }).schedule({ clientId: 'overdue' }, Date.now() + DAY_MS * 2);
    const [key = ''] = await redis.keys(`${prefix}:*pending*`);
    const [jobId = ''] = await redis.zrange(key, '0', '0');
    await redis.zadd(key, Date.now() - 3 * DAY_MS, jobId);
    const { text } = await world.page(`/deletions?day=${dayOf(Date.now())}`);
    expect(text).toContain('(today), or overdue');
    expect(text).toMatch(/3d ago overdue/);
  });

  it('that the limit holds are shown with their users, and say so if their data is gone', async () => {
    const world = await createDashboardWorld({ env: { DELETIONS_PER_HOUR: '0' } });
    for (const clientId of ['c-1', 'c-2']) await world.run('create-user', { clientId });
    for (const clientId of ['c-1', 'c-2']) await world.add('delete-user', { clientId, reason: 'reasonmark' });
    await expect.poll(async () => (await world.page('/deletions')).text).toContain('Held for approval 2');
    const page = await world.page('/deletions?state=held');
    expect(page.text).toContain('1 to 2 of 2.');
    expect([...page.links.keys()]).toEqual(expect.arrayContaining(['c-1', 'c-2']));
    expect(page.html).not.toContain('reasonmark');
    await world.redis.del(world.jobs.toKey('3'));
    expect((await world.page('/deletions?state=held')).text).toContain('unreadable, or gone meanwhile');
  });

  it.each([
    ['day=2027-02-30', 'day must be a day such as 2027-01-31.'],
    ['state=held&day=2027-01-31', 'state=held, day and from-day exclude each other.'],
    ['day=2027-01-31&from=x', 'from must be a number'],
  ])('refuse %s', async (query, fault) => {
    const { page } = await createDashboardWorld();
    const { status, text } = await page(`/deletions?${query}`);
    expect(status).toBe(400);
    expect(text).toContain(fault);
  });
});
