import { Queue } from 'bullmq';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ACTIONS } from '../../../../src/ops/dashboard/actions/actions.ts';
import { makeFailedJobs } from '../../../support/failed-jobs.ts';
import { runCommand } from '../../../support/run-command.ts';
import { giveUp } from './give-up.ts';
import { createOperatorWorld, formsIn } from './operator-world.ts';

/** A world in which each page has something to act on, and these pages. */
async function createBusyWorld() {
  const world = await createOperatorWorld({
    env: { EVENTS_QUEUES: 'user-events,crm', DELETIONS_PER_HOUR: '0' },
  });
  const crm = new Queue('crm', { connection: world.redis, prefix: world.prefix });
  onTestFinished(() => crm.close());
  await world.run('create-user', { clientId: 'c-1' });
  await giveUp(world, crm, 1);
  await crm.pause();
  await runCommand(['delete', '--client-id', 'c-2', '--in', '30d'], world.env);
  await world.add('delete-user', { clientId: 'c-1' });
  await expect.poll(() => world.redis.zcard(`${world.prefix}:circuit:deletion-limit:held`)).toBe(1);
  await makeFailedJobs(world.redis, world.prefix, { count: 1 });
  const [deletion] = await world.jobs.getRanges(['delayed'], 1, 1, true);
  const paths = [
    '',
    '/jobs?state=failed',
    '/jobs?state=failed&code=retries-exhausted',
    '/jobs/job-1',
    `/jobs/${deletion}`,
    '/users?client-id=c-2',
    '/deletions?state=held',
    '/dead-letters?queue=crm',
  ];
  return { ...world, paths };
}

describe('the buttons of an operator', () => {
  it('lead from each page to a confirmation of what it shows, and there is one for each action', async () => {
    const world = await createBusyWorld();
    const pressed = new Set<string>();
    for (const path of world.paths) {
      const forms = formsIn(await world.get(path));
      expect([path, forms.length > 0]).toEqual([path, true]);
      for (const { action, fields } of forms) {
        const due = action.endsWith('reschedule') ? { due: '2030-01-02T03:04' } : {};
        const { status, html } = await world.post(action, { ...fields, ...due });
        const [confirmation] = formsIn(html);
        expect([path, action, status, confirmation?.action]).toEqual([
          path,
          action,
          200,
          `${action}/confirmed`,
        ]);
        pressed.add(action);
      }
    }
    const all = Object.values(ACTIONS).map(({ name }) => `/dashboard/actions/${name}`);
    expect([...pressed].toSorted()).toEqual(all.toSorted());
    expect(await world.recorded()).toEqual([]);
  });

  it('pause a queue that runs, and resume one that is paused', async () => {
    const world = await createOperatorWorld({ env: { EVENTS_QUEUES: 'user-events,crm' } });
    const shown = async () =>
      formsIn(await world.get()).map(({ action, fields }) => [
        action.replace('/dashboard/actions/', ''),
        (JSON.parse(fields['filter'] ?? '') as { queue: string }).queue,
      ]);
    expect(await shown()).toEqual([
      ['queue-pause', 'user-jobs'],
      ['queue-pause', 'user-events'],
      ['queue-pause', 'crm'],
    ]);
    await world.act('pauseQueue', { queue: 'crm' });
    await expect.poll(shown).toContainEqual(['queue-resume', 'crm']);
    expect(await shown()).toHaveLength(3);
    expect(await world.get()).toMatch(/<code>crm<\/code> is paused/);
    const { stdout } = await runCommand(['status'], world.env);
    expect(stdout).toMatch(/^crm +paused · 0 waiting/m);
  });

  it('are on no page of a viewer', async () => {
    const world = await createBusyWorld();
    for (const path of world.paths) {
      const answer = await world.ask(path);
      expect([path, answer.status]).toEqual([path, 200]);
      const html = await answer.text();
      expect(formsIn(html)).toEqual([]);
      expect(html).toContain('Read-only.');
    }
  });
});
