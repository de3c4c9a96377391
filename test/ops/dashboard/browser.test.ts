/** @module-tag slow */
import { readFileSync } from 'node:fs';
import { inject, afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { findChromium } from '../../support/find-chromium.ts';
import { startTcpProxy } from '../../support/tcp-proxy.ts';
import { createAuditLog } from '../../../src/store/audit/audit-log.ts';
import { createDeletions } from '../../../src/store/deletions/deletions.ts';
import { makeFailedJobs } from '../../support/failed-jobs.ts';
import { type DashboardWorld, PASSWORD, USER, createDashboardWorld } from './dashboard-world.ts';
import { HOSTILE_IDS } from './hostile-ids.ts';

const found = findChromium();
/** What runs inside the page is text here: its world is another one. */
const CONTRASTS = readFileSync(new URL('contrast.js', import.meta.url), 'utf8');
const LABELS = readFileSync(new URL('labels.js', import.meta.url), 'utf8');
const FOCUSED = `(() => {
  if (document.activeElement === document.body) return [];
  const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
  const { textContent, ariaLabel } = document.activeElement;
  return [ariaLabel ?? textContent.trim().replaceAll(/\\s+/g, ' '), outlineStyle + ' ' + outlineWidth];
})()`;

describe.skipIf(found === undefined)('in a browser', () => {
  let browser: Browser;
  beforeAll(async () => {
    if (found !== undefined) browser = await found.launch();
  }, 300_000);
  afterAll(() => browser?.close());

  /** A page of a logged-in viewer, and the browser's complaints. */
  async function open(
    url: string,
    options: BrowserContextOptions = {},
  ): Promise<{ page: Page; faults: string[] }> {
    const context = await browser.newContext({
      httpCredentials: { username: USER, password: PASSWORD },
      ...options,
    });
    onTestFinished(() => context.close());
    const page = await context.newPage();
    const faults: string[] = [];
    page.on('pageerror', (error) => faults.push(error.message));
    page.on('console', (line) => {
      if (line.type() === 'error') faults.push(line.text());
    });
    page.on('request', (request) => {
      if (!request.url().startsWith(new URL(url).origin)) faults.push(`asked ${request.url()}`);
    });
    await page.goto(url);
    return { page, faults };
  }

  it('the fleet refreshes itself, can be held by the keyboard, and nothing is blocked or asked of strangers', async () => {
    const world = await createDashboardWorld();
    const { page, faults } = await open(`${world.url}/dashboard`);
    await page.getByRole('heading', { level: 1, name: 'Fleet' }).waitFor();
    await page.getByText('No job ended within the hour.').waitFor();
    await world.run('create-user', { clientId: 'c-1', profile: { firstName: 'Ada' } });
    await page.getByRole('rowheader', { name: /create-user/ }).waitFor();
    await page.getByRole('status').getByText('All is well.').waitFor();
    const pause = page.getByRole('button', { name: 'Pause refresh' });
    await pause.focus();
    await page.keyboard.press('Enter');
    expect(await pause.getAttribute('aria-pressed')).toBe('true');
    await page.keyboard.press('Space');
    expect(await pause.getAttribute('aria-pressed')).toBe('false');
    expect(faults).toEqual([]);
  });

  it('the keyboard reaches everything, and one sees where it is', async () => {
    const world = await createDashboardWorld();
    const { page } = await open(`${world.url}/dashboard`);
    const reached = await reachedByTab(page);
    const nav = ['Fleet', 'Jobs', 'Deletions', 'Dead letters', 'Audit log'];
    expect(reached.slice(0, 9)).toEqual([
      'Skip to the content',
      ...nav,
      'clientId, UserId or job id',
      'Search',
      'Pause refresh',
    ]);
    expect(reached).toEqual(
      expect.arrayContaining(['Waiting', 'Active', 'Failed', 'Delayed', 'Deletions', 'user-events']),
    );
    for (const role of ['banner', 'navigation', 'main', 'contentinfo'] as const) {
      expect(await page.getByRole(role).count()).toBe(1);
    }
  });

  it('every text stands out from what is behind it, in light and dark, and fits a phone, on every page', async () => {
    const world = await createFullWorld();
    for (const colorScheme of ['light', 'dark'] as const) {
      const viewport = { width: 390, height: 844 };
      const { page, faults } = await open(`${world.url}/dashboard`, { colorScheme, viewport });
      expect(await page.getByRole('status').textContent()).toContain('failed within the hour');
      for (const path of PAGES) {
        await page.goto(`${world.url}/dashboard${path}`);
        await page.getByRole('main').waitFor();
        const { texts, low } = await page.evaluate<{ texts: number; low: string[] }>(CONTRASTS);
        const width = await page.evaluate('document.documentElement.scrollWidth');
        expect({ path, low, isSeen: texts > 8, width }).toEqual({ path, low: [], isSeen: true, width: 390 });
      }
      // A browser calls each answer of 404 and 400 an error.
      expect(faults.filter((fault) => !/status of 40[04]/.test(fault))).toEqual([]);
    }
  });

  it('the labels of a chart lie on no bar, and begin where theirs does', async () => {
    const world = await createFullWorld();
    for (const viewport of [
      { width: 1280, height: 800 },
      { width: 390, height: 844 },
    ]) {
      const { page } = await open(`${world.url}/dashboard`, { viewport });
      const { labels, overlaps, offsets } = await page.evaluate<{
        labels: number;
        overlaps: string[];
        offsets: number[];
      }>(LABELS);
      expect({ isSeen: labels >= 8, overlaps }).toEqual({ isSeen: true, overlaps: [] });
      // The gap between two bars is 1/305 of the chart.
      for (const offset of offsets) expect(Math.abs(offset)).toBeLessThan(4);
    }
  });

  it('without JavaScript the fleet shows the last state', async () => {
    const world = await createDashboardWorld();
    await world.run('create-user', { clientId: 'c-1' });
    const { page } = await open(`${world.url}/dashboard`, { javaScriptEnabled: false });
    expect(await page.getByRole('rowheader', { name: /create-user/ }).isVisible()).toBe(true);
    expect(await page.getByRole('link', { name: 'Reload' }).isVisible()).toBe(true);
    expect(await page.getByRole('button', { name: 'Pause refresh' }).isVisible()).toBe(false);
  });

  it('the fleet says when Redis is away, and that it is back', async () => {
    const proxy = await startTcpProxy(inject('redisUrl'));
    onTestFinished(() => proxy.close());
    const world = await createDashboardWorld({ redisUrlOfWorker: proxy.url });
    const { page } = await open(`${world.url}/dashboard`);
    await proxy.sever();
    const status = page.getByRole('status');
    await page.getByText('Redis does not answer.').waitFor({ timeout: 60_000 });
    expect(await status.textContent()).toContain('Redis does not answer.');
    await proxy.restore();
    await page.getByText('All is well.').waitFor({ timeout: 60_000 });
    expect(await status.textContent()).toContain('All is well.');
  });

  it('the keyboard goes from the search to a user and on to its job, without JavaScript', async () => {
    const world = await createFullWorld();
    const { page } = await open(`${world.url}/dashboard`, { javaScriptEnabled: false });
    await page.getByRole('searchbox').focus();
    await page.keyboard.type('<script>c-1</script>');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Never heard of it' }).waitFor();
    await page.getByRole('searchbox').fill('c-1');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'User c-1' }).waitFor();
    await page.getByRole('link', { name: '1', exact: true }).first().focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Job 1' }).waitFor();
    expect(await page.getByText('create-user').count()).toBe(1);
    await page.getByRole('link', { name: 'Fleet' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Fleet' }).waitFor();
  });

  it('the keyboard reaches everything of a list, sees where it is, and goes from a day of the calendar to its deletions', async () => {
    const world = await createFullWorld();
    const { page } = await open(`${world.url}/dashboard/jobs?state=failed`);
    const reached = await reachedByTab(page);
    expect(reached).toEqual(expect.arrayContaining(['Failed 60', 'invalid-job', 'mid-59', 'Next', 'Last']));
    await page.goto(`${world.url}/dashboard`);
    await page.locator('a.bar').first().focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Deletions' }).waitFor();
    expect(await page.getByText('1 to 1 of 1.').count()).toBe(1);
  });

  it('whatever an id is, it runs nothing, and its page shows it', async () => {
    const world = await createDashboardWorld();
    await world.jobs.pause();
    for (const jobId of HOSTILE_IDS) await world.add('create-user', { clientId: 'c-1' }, { jobId });
    const { page, faults } = await open(`${world.url}/dashboard/jobs?state=waiting`);
    page.on('dialog', (dialog) => faults.push(dialog.message()));
    const links = page.locator('td:first-child a');
    expect(await links.count()).toBe(HOSTILE_IDS.length);
    for (let n = 0; n < HOSTILE_IDS.length; n += 1) {
      await links.nth(n).click();
      await page.getByText('create-user').waitFor();
      await page.goBack();
    }
    expect(faults).toEqual([]);
  });
});

/** The names of all that Tab reaches, each of which shows that it is reached. */
async function reachedByTab(page: Page): Promise<string[]> {
  const reached: string[] = [];
  for (let n = 0; n < 300; n += 1) {
    await page.keyboard.press('Tab');
    const [name = '', outline] = await page.evaluate<string[]>(FOCUSED);
    if (name === '') break;
    expect({ name, outline }).toEqual({ name, outline: 'solid 3px' });
    reached.push(name);
  }
  return reached;
}

/** Each page with what it shows, and without. */
const PAGES = [
  '/jobs?state=waiting',
  '/jobs?state=delayed',
  '/jobs?state=failed&code=unknown-instance',
  '/jobs?state=completed',
  '/jobs/1',
  '/jobs/mid-1',
  '/jobs/none',
  '/users?client-id=c-1',
  '/users?client-id=none',
  '/search?for=none',
  '/deletions',
  '/deletions?state=held',
  '/dead-letters',
  '/audit',
  '/jobs?state=none',
];

/** A world with something on every page. */
async function createFullWorld(): Promise<DashboardWorld> {
  const world = await createDashboardWorld();
  const { jobs, prefix, redis } = world;
  await world.run('create-user', { clientId: 'c-1' });
  const changes = { phone: '1' };
  await world.run('update-user', { userId: crypto.randomUUID(), changes, instance: 'none' });
  await createDeletions({ jobs, prefix }).schedule({ clientId: 'c-2' }, Date.now() + 5 * 86_400_000);
  await makeFailedJobs(redis, prefix, { count: 59, idStart: 'mid' });
  const audit = createAuditLog({ connection: redis, prefix });
  await audit.record(
    { what: 'failed drop', filter: { id: ['1'] }, count: 1 },
    { who: 'ada', from: 'command' },
  );
  await jobs.pause();
  await world.add('create-user', { clientId: 'c-3' }, { jobId: 'x'.repeat(500) });
  return world;
}
