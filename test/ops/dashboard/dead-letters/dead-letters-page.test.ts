import { describe, expect, it, onTestFinished } from 'vitest';
import { UserEvents } from '../../../../src/client/user-events.ts';
import { createDashboardWorld } from '../dashboard-world.ts';

describe('the dead letters', () => {
  it('of a queue are shown with their users and no token, and lead from the fleet', async () => {
    const world = await createDashboardWorld({ env: { EVENTS_QUEUES: 'user-events,crm' } });
    const redis = world.env['REDIS_URL'] ?? '';
    const crm = new UserEvents({ redis, prefix: world.prefix, queue: 'crm', retry: { attempts: 1 } }, () => {
      throw new TypeError('accessTokenmark');
    });
    onTestFinished(() => crm.close());
    const event = await world.run('create-user', { clientId: '<b>c-1</b>', createAccessToken: true });
    await expect.poll(async () => (await world.page('/dead-letters')).text).toContain('crm 1');
    const fleet = await world.page('');
    const page = await world.page((fleet.links.get('crm') ?? '').replace('/dashboard', ''));
    expect(page.text).toContain('1 to 1 of 1.');
    expect(page.text).toContain('user.created <b>c-1</b> TypeError 1');
    expect(page.text).toContain(event.id);
    const { accessToken = 'none' } = event.data as { accessToken?: string };
    expect(accessToken).not.toBe('none');
    for (const secret of [accessToken, 'accessTokenmark', '<b>c-1']) expect(page.html).not.toContain(secret);
    const story = await world.page((page.links.get('<b>c-1</b>') ?? '').replace('/dashboard', ''));
    expect(story.status).toBe(200);
    expect((await world.page('/dead-letters?queue=user-events')).text).toContain('There is none.');
  });

  it('are refused of a queue that is none of the configured', async () => {
    const { page } = await createDashboardWorld();
    const { status, text } = await page('/dead-letters?queue=user-jobs');
    expect(status).toBe(400);
    expect(text).toContain('queue must be one of user-events.');
  });

  it('are none if no events are published', async () => {
    const { page } = await createDashboardWorld({ env: { EVENTS_QUEUES: 'none' } });
    expect((await page('/dead-letters')).text).toContain('No events are published');
  });
});
