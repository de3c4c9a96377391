/** @module-tag slow */
import { readFileSync } from 'node:fs';
import { inject, afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { findChromium } from '../../support/find-chromium.ts';
import { startTcpProxy } from '../../support/tcp-proxy.ts';
import { PASSWORD, USER, createDashboardWorld } from './dashboard-world.ts';

const found = findChromium();
/** What runs inside the page is text here: its world is another one. */
const CONTRASTS = readFileSync(new URL('contrast.js', import.meta.url), 'utf8');
const FOCUSED = `(() => {
  if (document.activeElement === document.body) return [];
  const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
  return [document.activeElement.textContent.trim(), outlineStyle + ' ' + outlineWidth];
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
    const pause = page.getByRole('button', { name: 'Pause' });
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
    const reached: string[] = [];
    for (;;) {
      await page.keyboard.press('Tab');
      const [name = '', outline] = await page.evaluate<string[]>(FOCUSED);
      if (name === '' || reached.includes(name)) break;
      expect({ name, outline }).toEqual({ name, outline: 'solid 3px' });
      reached.push(name);
    }
    expect(reached.slice(0, 4)).toEqual([
      'Skip to the state of the fleet',
      'Fleet',
      'Jobs and events',
      'Pause',
    ]);
    expect(reached).toEqual(
      expect.arrayContaining(['Waiting', 'In work', 'Failed', 'Delayed', 'user-events']),
    );
    for (const role of ['banner', 'navigation', 'main', 'contentinfo'] as const) {
      expect(await page.getByRole(role).count()).toBe(1);
    }
  });

  it('every text stands out from what is behind it, in light and dark, and fits a phone', async () => {
    const world = await createDashboardWorld();
    await world.run('create-user', { clientId: 'c-1' });
    await world.run('update-user', {
      userId: crypto.randomUUID(),
      changes: { phone: '1' },
      instance: 'none',
    });
    await world.jobs.pause();
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page } = await open(`${world.url}/dashboard`, {
        colorScheme,
        viewport: { width: 390, height: 844 },
      });
      expect(await page.getByRole('status').textContent()).toContain('failed within the hour');
      const { texts, low } = await page.evaluate<{ texts: number; low: string[] }>(CONTRASTS);
      expect({ low, isSeen: texts > 30 }).toEqual({ low: [], isSeen: true });
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390);
    }
  });

  it('without JavaScript the fleet shows the last state', async () => {
    const world = await createDashboardWorld();
    await world.run('create-user', { clientId: 'c-1' });
    const { page } = await open(`${world.url}/dashboard`, { javaScriptEnabled: false });
    expect(await page.getByRole('rowheader', { name: /create-user/ }).isVisible()).toBe(true);
    expect(await page.getByRole('link', { name: 'Reload' }).isVisible()).toBe(true);
    expect(await page.getByRole('button', { name: 'Pause' }).isVisible()).toBe(false);
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

  it('the way back from the board covers no job of it for good, on a phone either', async () => {
    const world = await createDashboardWorld();
    await world.jobs.pause();
    const jobs = Array.from({ length: 4 }, (_, n) => ({ name: 'create-user', data: { clientId: `c-${n}` } }));
    await world.jobs.addBulk(jobs);
    const { page } = await open(`${world.url}/dashboard/queues/queue/user-jobs?status=waiting`, {
      viewport: { width: 360, height: 740 },
    });
    const last = page.getByText('create-user').last();
    await last.waitFor();
    await page.evaluate('scrollTo(0, document.documentElement.scrollHeight)');
    const ends = `[document.querySelector('#root'), document.querySelector('#back')].map((box) => box.getBoundingClientRect())`;
    const [board, back] = await page.evaluate<{ top: number; bottom: number; width: number }[]>(ends);
    expect(board?.bottom).toBeLessThanOrEqual(back?.top ?? 0);
    expect(back?.width).toBe(360);
  });

  it('the board shows a waiting job and an event without what is personal, and no way to change them', async () => {
    const world = await createDashboardWorld();
    await world.jobs.pause();
    await world.add('create-user', { clientId: 'c-4711', profile: { firstName: 'Lovelacemark' } });
    const { page, faults } = await open(`${world.url}/dashboard/queues/queue/user-jobs?status=waiting`);
    await page.getByText('c-4711').waitFor();
    const text = await page.locator('body').innerText();
    expect(text).toContain('•••');
    expect(text).not.toContain('Lovelacemark');
    for (const name of [/retry/i, /promote/i, /clean/i, /^add/i, /empty/i, /resume/i]) {
      expect(await page.getByRole('button', { name }).count()).toBe(0);
    }
    await page.getByRole('link', { name: '← Fleet' }).click();
    await page.getByRole('heading', { level: 1, name: 'Fleet' }).waitFor();
    expect(faults).toEqual([]);
  });
});
