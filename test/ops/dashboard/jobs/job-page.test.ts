import { describe, expect, it } from 'vitest';
import type { StoredJob } from '../../../../src/bullmq/read-job.ts';
import { rowOf } from '../../../../src/ops/dashboard/jobs/job-row.ts';
import { makeFailedJobs } from '../../../support/failed-jobs.ts';
import { tracesOf } from '../../../support/traces.ts';
import { createDashboardWorld } from '../dashboard-world.ts';
import { BROKEN_OUT, HOSTILE_IDS } from '../hostile-ids.ts';

const MARKS = ['Lovelacemark', 'adamark', 'failuremark'];

describe('the page of a job', () => {
  it('shows a completed one with its result, and leads to the story of its user', async () => {
    const world = await createDashboardWorld();
    const jobId = await world.add('create-user', {
      clientId: 'c-1',
      profile: { firstName: 'Lovelacemark', email: 'adamark@example.com' },
      createAccessToken: true,
    });
    const event = await world.eventOf(jobId);
    const { accessToken = 'none' } = event.data as { accessToken?: string };
    expect(accessToken).not.toBe('none');
    await expect.poll(() => world.jobs.getJobState(jobId)).toBe('completed');
    const page = await world.page(`/jobs/${jobId}`);
    expect(page.status).toBe(200);
    expect(page.text).toContain('State Completed: done Operation create-user User clientId c-1');
    expect(page.text).toContain(`"userId": "${event.data.userId}"`);
    const story = await world.page((page.links.get('c-1') ?? '').replace('/dashboard', ''));
    expect(story.text).toContain(`user: ${event.data.userId}, live`);
    expect(tracesOf([...MARKS, accessToken], [page.html, story.html])).toEqual([]);
  });

  it('shows why one failed, if a worker of ours wrote it, and hides any other reason', async () => {
    const { redis, prefix, page } = await createDashboardWorld();
    await makeFailedJobs(redis, prefix, { count: 1, idStart: 'ours', reason: 'rejected: no such phone' });
    await makeFailedJobs(redis, prefix, { count: 1, idStart: 'foreign', reason: 'Error: failuremark' });
    const ours = await page('/jobs/ours-1');
    expect(ours.text).toContain('State Failed: rejected');
    expect(ours.text).toContain('Why it failed rejected: no such phone');
    expect(ours.text).toContain('Attempts 15 charged');
    const foreign = await page('/jobs/foreign-1');
    expect(foreign.text).toContain('Why it failed •••');
    expect(tracesOf(MARKS, [foreign.html])).toEqual([]);
  });

  it('says what superseded a completed one, as the list does', async () => {
    const world = await createDashboardWorld();
    await world.run('create-user', { clientId: 'c-1' });
    const change = (phone: string) => ({ clientId: 'c-1', changes: { phone } });
    await world.run('update-user', change('1'));
    const occurredAt = new Date(Date.now() - 60_000).toISOString();
    const { data } = await world.run('update-user', { ...change('2'), occurredAt });
    const by = 'superseded by a newer change';
    await expect
      .poll(async () => (await world.page(`/jobs/${data.jobId}`)).text)
      .toContain(`State Completed: ${by}`);
    const { text } = await world.page('/jobs?state=completed');
    expect(text).toMatch(new RegExp(`${data.jobId} update-user c-1 ${by} .* 2 update-user c-1 done `));
  });

  it.each(['', 'null', '"failuremark"', '{"by":"failuremark"}', 'x'.repeat(1_000_000)])(
    'does not claim to know the outcome that others wrote: %.20s',
    (returnvalue) => {
      const job = { name: 'create-user', data: '{}', finishedOn: 1, returnvalue };
      expect(rowOf('7', job as StoredJob)).toMatchObject({ outcome: undefined });
    },
  );

  it('says what holds a delayed one', async () => {
    const world = await createDashboardWorld({ env: { DELETIONS_PER_HOUR: '0' } });
    await world.run('create-user', { clientId: 'c-1' });
    const held = await world.add('delete-user', { clientId: 'c-1' });
    await expect
      .poll(async () => (await world.page(`/jobs/${held}`)).text)
      .toContain('State Delayed: held by the deletion limit until an operator decides: more deletions');
  });

  it('says of an id without a job, and of a key of BullMQ, that no job has it', async () => {
    const { jobs, page } = await createDashboardWorld();
    await jobs.pause();
    for (const id of ['4711', 'meta', 'events', 'wait']) {
      const { status, text } = await page(`/jobs/${id}`);
      expect({ id, status }).toEqual({ id, status: 404 });
      expect(text).toContain('No job with this id is in the queue.');
    }
    expect((await page('/jobs/1?x=1')).status).toBe(400);
  });

  it('is reached from the list and escaped, whatever the ids are', async () => {
    const world = await createDashboardWorld();
    await world.jobs.pause();
    for (const jobId of HOSTILE_IDS) {
      const data = {
        clientId: `of ${jobId}`,
        correlationId: jobId,
        instance: jobId,
        profile: { firstName: jobId },
      };
      await world.add('create-user', data, { jobId });
    }
    const list = await world.page('/jobs?state=waiting');
    expect(list.text).toContain(`1 to ${HOSTILE_IDS.length} of ${HOSTILE_IDS.length}.`);
    expect(list.html).not.toMatch(BROKEN_OUT);
    const paths = [...list.links.values()].filter((path) => path.startsWith('/dashboard/jobs/'));
    expect(paths.length).toBe(HOSTILE_IDS.length);
    for (const path of paths) {
      const page = await world.page(path.replace('/dashboard', ''));
      expect({ path, status: page.status }).toEqual({ path, status: 200 });
      expect(page.text).toContain('State Waiting Operation create-user');
      expect(page.html).not.toMatch(BROKEN_OUT);
      expect(page.text).toContain('"firstName": "•••"');
    }
  });

  it('shows one whose data another client has broken, and half of a character in it', async () => {
    const world = await createDashboardWorld();
    await world.jobs.pause();
    const half = await world.add('create-user', {}, { jobId: 'half' });
    await world.redis.hset(
      world.jobs.toKey(half),
      'data',
      String.raw`{"clientId":"\ud800","correlationId":"\ud83d"}`,
    );
    const unreadable = await world.add('create-user', {}, { jobId: 'unreadable' });
    await world.redis.hset(world.jobs.toKey(unreadable), 'opts', 'no JSON', 'timestamp', 'x');
    expect((await world.page('/jobs/half')).text).toContain('"correlationId": "\uFFFD"');
    expect((await world.page('/jobs/unreadable')).text).toContain('State Waiting Operation cannot be read');
    expect((await world.page('/jobs?state=waiting')).status).toBe(200);
  });
});
