import { Queue } from 'bullmq';
import { describe, expect, it, onTestFinished } from 'vitest';
import { makeFailedJobs } from '../../../support/failed-jobs.ts';
import { runCommand } from '../../../support/run-command.ts';
import { OPERATOR } from '../dashboard-world.ts';
import { giveUp } from './give-up.ts';
import { createOperatorWorld, fieldsIn, leadOf, pathOf } from './operator-world.ts';

describe('an operator', () => {
  it('pauses and resumes a queue, and each is recorded with who and why', async () => {
    const world = await createOperatorWorld();
    const { html } = await world.press('pauseQueue', { queue: 'user-jobs' });
    expect(html).toContain('Pause the queue user-jobs?');
    expect(await world.jobs.isPaused()).toBe(false);
    expect(await world.recorded()).toEqual([]);
    const fields = { ...fieldsIn(html), reason: ' ticket 7 ' };
    const { status, location } = await world.post(`${pathOf('pauseQueue')}/confirmed`, fields);
    expect(status).toBe(303);
    expect(await world.endOf(location)).toBe('Done. user-jobs is now paused: 0 jobs waiting, 0 active.');
    expect(await world.jobs.isPaused()).toBe(true);
    const resumed = await world.act('resumeQueue', { queue: 'user-jobs' });
    expect(await world.endOf(resumed.location)).toMatch(/^Done\. user-jobs is now running/);
    const by = {
      who: OPERATOR,
      from: 'page',
      address: '127.0.0.1',
      filter: { queue: 'user-jobs' },
      count: 1,
    };
    expect(await world.recorded()).toMatchObject([
      { ...by, what: 'queue pause', reason: 'ticket 7' },
      { ...by, what: 'queue resume' },
    ]);
    const { stdout } = await runCommand(['audit', 'list', '-n', '1'], world.env);
    expect(stdout).toMatch(/ {2}anna {2}page 127\.0\.0\.1 {2}queue resume {2}1 {2}queue=user-jobs\n$/);
    expect(await world.get('/audit')).toContain('127.0.0.1');
  });

  it('retries the failed jobs of a filter, counted by kind first, and no other', async () => {
    const world = await createOperatorWorld();
    await world.jobs.pause();
    await makeFailedJobs(world.redis, world.prefix, { count: 3 });
    await makeFailedJobs(world.redis, world.prefix, { count: 2, idStart: 'other', reason: 'forbidden: x' });
    const { html } = await world.press('retryFailed', { code: ['retries-exhausted'] });
    expect(html).toContain('Retry 3 failed jobs?');
    expect(cellsOf(html)).toEqual(['3', 'retries-exhausted', 'create-user']);
    // Later failures were not counted, so they are not confirmed.
    await makeFailedJobs(world.redis, world.prefix, { count: 1, idStart: 'later', failedAt: Date.now() });
    const { location } = await world.post(`${pathOf('retryFailed')}/confirmed`, fieldsIn(html));
    expect(await world.endOf(location)).toBe('Done. 3 retried.');
    expect(await world.jobs.getWaitingCount()).toBe(3);
    expect(await world.jobs.getFailedCount()).toBe(3);
    expect(await world.recorded()).toMatchObject([
      { what: 'failed retry', filter: { code: ['retries-exhausted'] }, count: 3, from: 'page' },
    ]);
  });

  it('drops one failed job by its id, whatever that is', async () => {
    const world = await createOperatorWorld();
    const id = `<b>"'&\r\n\u202e é\ud800`.toWellFormed();
    await makeFailedJobs(world.redis, world.prefix, { count: 2, idStart: id });
    const { location } = await world.act('dropFailed', { id: [`${id}-2`] });
    expect(await world.endOf(location)).toBe('Done. 1 dropped.');
    expect(await world.jobs.getRanges(['failed'])).toEqual([`${id}-1`]);
  });

  it('says what is gone by the time of the confirmation, and that there is nothing to confirm', async () => {
    const world = await createOperatorWorld();
    await world.jobs.pause();
    await makeFailedJobs(world.redis, world.prefix, { count: 3 });
    const { html } = await world.press('dropFailed');
    await world.jobs.remove('job-2');
    const { location } = await world.post(`${pathOf('dropFailed')}/confirmed`, fieldsIn(html));
    expect(await world.endOf(location)).toBe('Done. 2 dropped, 1 gone meanwhile.');
    const again = await world.press('dropFailed');
    expect(again.status).toBe(200);
    expect(again.html).toContain('There is nothing of this to change now.');
    expect(fieldsIn(again.html)).toEqual({});
  });

  it('redrives and drops dead letters of a queue', async () => {
    const world = await createOperatorWorld({ env: { EVENTS_QUEUES: 'user-events,crm' } });
    const crm = new Queue('crm', { connection: world.redis, prefix: world.prefix });
    onTestFinished(() => crm.close());
    for (const clientId of ['c-1', 'c-2']) await world.run('create-user', { clientId });
    await giveUp(world, crm, 2);
    const filter = { queue: 'crm', clientId: 'c-1' };
    const redriven = await world.act('redriveDeadLetters', filter);
    expect(await world.endOf(redriven.location)).toBe('Done. 1 redriven.');
    expect([await crm.getWaitingCount(), await crm.getFailedCount()]).toEqual([1, 1]);
    const dropped = await world.act('dropDeadLetters', { queue: 'crm', type: ['user.created'] });
    expect(await world.endOf(dropped.location)).toBe('Done. 1 dropped.');
    expect(await crm.getFailedCount()).toBe(0);
    expect((await world.press('dropDeadLetters', { queue: 'nothing' })).status).toBe(400);
  });

  it('moves and cancels the deletion of a user', async () => {
    const world = await createOperatorWorld();
    await runCommand(['delete', '--client-id', 'c-1', '--in', '30d'], world.env);
    const user = { clientId: 'c-1' };
    const moved = await world.act('rescheduleDeletion', { ...user, due: '2030-01-02T03:04' });
    expect(await world.endOf(moved.location)).toMatch(/^Done\. Moved: due 2030-01-02T03:04:00\.000Z/);
    const { html } = await world.press('cancelDeletion', user);
    expect(leadOf(html)).toMatch(/^It is pending, due 2030-01-02T03:04:00\.000Z/);
    const cancelled = await world.post(`${pathOf('cancelDeletion')}/confirmed`, fieldsIn(html));
    expect(await world.endOf(cancelled.location)).toBe('Done. cancelled: the user is not deleted.');
    const none = await world.press('rescheduleDeletion', { clientId: 'c-2', due: '2030-01-02T03:04' });
    expect(none.html).toContain('No deletion is known to be pending under this id.');
    expect(await world.recorded()).toMatchObject([
      { what: 'deletions reschedule', filter: { ...user, dueAt: '2030-01-02T03:04:00.000Z' } },
      { what: 'deletions cancel', filter: user },
    ]);
  });

  it('releases those of the held deletions that were counted, and refuses those of a user', async () => {
    const world = await createOperatorWorld({ env: { DELETIONS_PER_HOUR: '0' } });
    const held = async () => world.redis.zcard(`${world.prefix}:circuit:deletion-limit:held`);
    for (const clientId of ['c-1', 'c-2', 'c-3']) await world.run('create-user', { clientId });
    const [first, second] = [
      await world.add('delete-user', { clientId: 'c-1' }),
      await world.add('delete-user', { clientId: 'c-2' }),
    ];
    await expect.poll(held).toBe(2);
    const { html } = await world.press('releaseDeletions');
    expect(html).toContain('Release 2 held deletions?');
    const third = await world.add('delete-user', { clientId: 'c-3' });
    await expect.poll(held).toBe(3);
    const released = await world.post(`${pathOf('releaseDeletions')}/confirmed`, fieldsIn(html));
    expect(await world.endOf(released.location)).toBe('Done. 2 released.');
    for (const id of [first, second]) expect(await world.eventOf(id)).toMatchObject({ type: 'user.deleted' });
    expect(await held()).toBe(1);
    const refused = await world.act('refuseDeletions', { clientId: 'c-3' });
    expect(await world.endOf(refused.location)).toBe('Done. 1 refused.');
    expect(await world.eventOf(third)).toMatchObject({ data: { code: 'deletion-refused' } });
  });
});

/** The cells of the table. */
function cellsOf(html: string): string[] {
  return [...html.matchAll(/<td[^>]*>(.*?)<\/td>/gs)].map(([, cell = '']) => cell.replaceAll(/<[^>]*>/g, ''));
}
