import { describe, expect, it } from 'vitest';
import { createDashboardWorld } from '../dashboard-world.ts';
import { BROKEN_OUT, HOSTILE_IDS } from '../hostile-ids.ts';

describe('the search', () => {
  it('leads to the one job or user that has the id', async () => {
    const world = await createDashboardWorld();
    const { subject = '' } = await world.run('create-user', { clientId: 'c-1' });
    expect((await world.page('/search?for=c-1')).path).toBe('/dashboard/users?client-id=c-1');
    expect((await world.page(`/search?for=%20${subject}%20`)).path).toBe(
      `/dashboard/users?user-id=${subject}`,
    );
    expect((await world.page('/search?for=1')).path).toBe('/dashboard/jobs/1');
  });

  it('shows both if a job and a user have it', async () => {
    const world = await createDashboardWorld();
    await world.run('create-user', { clientId: '1' });
    const page = await world.page('/search?for=1');
    expect(page.status).toBe(200);
    expect([...page.links.values()]).toEqual(['/dashboard/users?client-id=1']);
    expect(page.text).toContain('job 1 user with the clientId 1 in default');
    expect(page.html).toContain('href="/dashboard/jobs/1"');
  });

  it('says that it never heard of the others, and escapes them', async () => {
    const world = await createDashboardWorld();
    for (const id of [...HOSTILE_IDS, 'nobody', '..', 'meta']) {
      const { status, html, text } = await world.page(`/search?for=${encodeURIComponent(id)}`);
      expect({ id, status }).toEqual({ id, status: 404 });
      expect(text).toContain('Never heard of it');
      expect(html).not.toMatch(BROKEN_OUT);
    }
    expect((await world.page('/search?for=%20')).status).toBe(400);
    expect((await world.page('/search')).status).toBe(400);
  });
});
