/** @module-tag slow */
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Browser } from 'playwright-core';
import { findChromium } from '../../../support/find-chromium.ts';
import { makeFailedJobs } from '../../../support/failed-jobs.ts';
import { OPERATOR, OPERATOR_PASSWORD } from '../dashboard-world.ts';
import { createOperatorWorld } from './operator-world.ts';

const found = findChromium();

describe.skipIf(found === undefined)('an operator with a browser', () => {
  let browser: Browser;
  beforeAll(async () => {
    if (found !== undefined) browser = await found.launch();
  }, 300_000);
  afterAll(() => browser?.close());

  it.each([true, false])(
    'presses a button, confirms by a double click and sees the end, with scripts or without: %s',
    async (javaScriptEnabled) => {
      const world = await createOperatorWorld();
      await world.jobs.pause();
      await makeFailedJobs(world.redis, world.prefix, { count: 3 });
      const context = await browser.newContext({
        httpCredentials: { username: OPERATOR, password: OPERATOR_PASSWORD },
        javaScriptEnabled,
      });
      onTestFinished(() => context.close());
      const page = await context.newPage();
      const faults: string[] = [];
      page.on('console', (line) => {
        if (line.type() === 'error') faults.push(line.text());
      });
      await page.goto(`${world.url}/dashboard/jobs?state=failed`);
      await page.getByRole('button', { name: 'Retry all failed jobs' }).click();
      await page.getByRole('heading', { level: 1, name: 'Retry 3 failed jobs?' }).waitFor();
      await page.getByLabel('Reason').fill('ticket 7');
      await page.getByRole('button', { name: 'Retry 3 failed jobs' }).dblclick();
      await page.getByText('Done. 3 retried.').waitFor();
      expect(await world.recorded()).toMatchObject([{ what: 'failed retry', reason: 'ticket 7' }]);
      expect(faults).toEqual([]);
    },
  );
});
