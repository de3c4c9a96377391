import { describe, expect, it } from 'vitest';
import { runCommand } from '../../../support/run-command.ts';
import { DEFAULT, OTHER } from '../../../support/instances.ts';
import { createTwoInstances } from '../../../support/two-instances.ts';
import { RETRIES_LATE } from '../../../support/world.ts';
import { createDeletions } from '../../../../src/store/deletions/deletions.ts';
import { createDashboardWorld } from '../dashboard-world.ts';
import { BROKEN_OUT } from '../hostile-ids.ts';

describe('the page of a user', () => {
  it('tells the same story as the command, by either id, and leads to the jobs', async () => {
    const world = await createDashboardWorld({ env: RETRIES_LATE });
    const { subject = '' } = await world.run('create-user', {
      clientId: 'c-1',
      profile: { firstName: 'Lovelacemark' },
    });
    await world.run('update-user', { clientId: 'c-1', changes: { phone: '+44 20 7946 0000' } });
    await world.run('delete-user', { clientId: 'c-1', userId: crypto.randomUUID() });
    await createDeletions(world).schedule({ clientId: 'c-1' }, Date.now() + 86_400_000);
    await world.setModes({ errorRate: 1, errorStatus: 503 });
    const waiting = await world.add('update-user', { clientId: 'c-1', changes: { nickname: 'x' } });
    await expect.poll(async () => (await world.page('/users?client-id=c-1')).links.has(waiting)).toBe(true);
    for (const [query, ...args] of [
      ['client-id=c-1', 'c-1'],
      [`user-id=${subject.toUpperCase()}`, '--user-id', subject],
    ]) {
      const { stdout } = await runCommand(['user', ...args], world.env);
      const page = await world.page(`/users?${query}`);
      expect(page.status).toBe(200);
      expect(page.text).toContain(stdout.trimEnd().replaceAll('\n', ' '));
      expect(page.html).not.toContain('Lovelacemark');
    }
    const { links } = await world.page('/users?client-id=c-1');
    expect((await world.page((links.get('1') ?? '').replace('/dashboard', ''))).text).toContain('Job 1');
  });

  it('says plainly that it never heard of somebody', async () => {
    const { page } = await createDashboardWorld();
    const { status, text, links } = await page('/users?client-id=nobody');
    expect(status).toBe(404);
    expect(text).toContain('in 30 days no worker has begun a job of this user');
    expect(links.get('look in all of them')).toBe('/dashboard/search?for=nobody');
  });

  it('leads from a clientId to the user who was moved away', async () => {
    const { env } = await createTwoInstances({ startsWorker: false });
    const { DAMOOV_INSTANCES_FILE = '' } = env;
    const world = await createDashboardWorld({
      env: { DAMOOV_INSTANCES_FILE },
      sandbox: { instances: [DEFAULT, OTHER] },
    });
    const { subject = '' } = await world.run('create-user', { clientId: 'c' });
    await world.run('move-user', { clientId: 'c', toInstance: 'other' });
    const left = await world.page('/users?client-id=c');
    expect(left.text).toContain(`user ${subject} had it, and was moved to another instance moved away: `);
    expect(left.text).not.toContain('deleted');
    const now = await world.page((left.links.get(subject) ?? '').replace('/dashboard', ''));
    expect(now.text).toContain(`user: ${subject}, live`);
  });

  it('escapes whatever a user is called', async () => {
    const world = await createDashboardWorld();
    for (const clientId of [
      '<script>alert(1)</script>',
      `"' onmouseover=alert(1) x="`,
      'a/b?c=d&e=%2F#f',
      '名前-😀',
    ]) {
      await world.run('create-user', { clientId });
      const { status, html, text } = await world.page(`/users?client-id=${encodeURIComponent(clientId)}`);
      expect({ clientId, status }).toEqual({ clientId, status: 200 });
      expect(html).not.toMatch(BROKEN_OUT);
      expect(text).toContain(`User ${clientId}`);
    }
  });

  it.each([
    ['', 'client-id or user-id is needed.'],
    ['client-id=%20x', 'client-id has blanks at its ends'],
    ['client-id=a%00b', 'client-id has control or zero-width characters'],
    ['user-id=c-1', 'user-id must be a UUID'],
    ['client-id=a&instance=mars', 'instance must be one of default.'],
    ['client-id=a&clientid=b', '"clientid" is not known here'],
  ])('refuses %s', async (query, fault) => {
    const { page } = await createDashboardWorld();
    const { status, text } = await page(`/users?${query}`);
    expect(status).toBe(400);
    expect(text).toContain(fault);
  });
});
