import { inject, describe, expect, it, onTestFinished } from 'vitest';
import { startTcpProxy } from '../../support/tcp-proxy.ts';
import { tracesOf } from '../../support/traces.ts';
import { createWorld } from '../../support/world.ts';
import { createDashboardWorld } from './dashboard-world.ts';

const MARKS = ['Lovelacemark', 'adamark'];

describe('the dashboard', () => {
  it('is not there where no user and password are configured', async () => {
    const world = await createWorld({ startsWorker: false });
    const { url } = await world.startWorker();
    for (const path of ['/dashboard', '/dashboard/jobs', '/dashboard/panels.json']) {
      expect((await fetch(url + path)).status).toBe(404);
    }
  });

  it('asks for user and password on every path, and says the same to whatever is wrong', async () => {
    const { url, ask } = await createDashboardWorld();
    const paths = ['', '/', '/nothing', '/page.css', '/panels.json', '/jobs', '/jobs/1', '/users', '/search'];
    for (const path of [...paths, '/deletions', '/dead-letters', '/audit']) {
      const answer = await fetch(`${url}/dashboard${path}`);
      expect({ path, status: answer.status }).toEqual({ path, status: 401 });
      expect(answer.headers.get('www-authenticate')).toMatch(/^Basic realm=/);
    }
    const said = async (userAndPassword: string) => {
      const authorization = `Basic ${Buffer.from(userAndPassword).toString('base64')}`;
      const answer = await fetch(`${url}/dashboard`, { headers: { authorization } });
      const headers = [...answer.headers].filter(([name]) => name !== 'date');
      return JSON.stringify([answer.status, headers, await answer.text()]);
    };
    expect(await said('ops:wrong')).toBe(await said('wrong:a password of the test'));
    expect((await ask()).status).toBe(200);
  });

  it('lets nobody guess for long', async () => {
    const { url, ask } = await createDashboardWorld();
    const wrong = () => fetch(`${url}/dashboard`, { headers: { authorization: 'Basic b3BzOm5v' } });
    for (let n = 0; n < 10; n += 1) expect((await wrong()).status).toBe(401);
    const answer = await wrong();
    expect(answer.status).toBe(429);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await ask()).status).toBe(429);
    expect((await fetch(`${url}/livez`)).status).toBe(200);
  });

  it('shows how the fleet stands, in a page that needs no script and as panels', async () => {
    const world = await createDashboardWorld();
    await world.run('create-user', { clientId: 'c-1', profile: { firstName: 'Lovelacemark' } });
    await world.run('update-user', { clientId: 'c-1', changes: { email: 'adamark@example.com' } });
    const page = await (await world.ask()).text();
    expect(page).toContain('<h1>Fleet</h1>');
    expect(page).toMatch(/create-user/);
    const panels = (await (await world.ask('/panels.json')).json()) as Record<string, string>;
    expect(panels['outcomes']).toContain('create-user');
    expect(panels['limits']).toContain('of 4 left within the hour');
    expect(panels['circuits']).toContain('Damoov');
    expect(tracesOf(MARKS, [page, JSON.stringify(panels)])).toEqual([]);
  });

  it('shows the last state where Redis is away, and says so', async () => {
    const proxy = await startTcpProxy(inject('redisUrl'));
    onTestFinished(() => proxy.close());
    const world = await createDashboardWorld({ redisUrlOfWorker: proxy.url });
    await world.run('create-user', { clientId: 'c-1' });
    await world.ask();
    await proxy.sever();
    await expect
      .poll(async () => (await (await world.ask('/panels.json')).json()) as Record<string, string>)
      .toMatchObject({
        decision: expect.stringContaining('Redis does not answer.'),
        outcomes: expect.stringContaining('create-user'),
      });
    await proxy.restore();
    await expect
      .poll(async () => (await (await world.ask('/panels.json')).text()).includes('does not answer'))
      .toBe(false);
  });

  it('bears strict headers, and has nothing kept', async () => {
    const { url, ask } = await createDashboardWorld();
    const answers = [ask(), ask('/panels.json'), ask('/nothing'), fetch(`${url}/dashboard`)];
    for (const answer of await Promise.all([...answers, fetch(`${url}/metrics`), fetch(`${url}/nothing`)])) {
      const policy = answer.headers.get('content-security-policy') ?? '';
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toContain('unsafe');
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
      expect(answer.headers.get('referrer-policy')).toBe('no-referrer');
      expect(answer.headers.get('cache-control')).toBe('no-store');
    }
  });

  it('refuses whatever is no question', async () => {
    const { ask } = await createDashboardWorld();
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
      for (const path of [
        '',
        '/jobs',
        '/jobs/1',
        '/deletions',
        '/dead-letters',
        '/audit',
        '/users',
        '/nothing',
      ]) {
        const answer = await ask(path, { method, headers: { 'x-http-method-override': 'GET' } });
        expect({ method, path, status: answer.status }).toEqual({ method, path, status: 405 });
      }
    }
  });

  it('says in a page that an address leads to nothing', async () => {
    const { ask } = await createDashboardWorld();
    const answer = await ask('/queues');
    expect(answer.status).toBe(404);
    expect(await answer.text()).toContain('<h1>There is no such page</h1>');
  });

  it.each([
    '/jobs',
    '/jobs/1',
    '/users?client-id=c-1',
    '/search?for=c-1',
    '/deletions',
    '/dead-letters',
    '/audit',
  ])('says in place of %s that Redis does not answer, and never that there is nothing', async (path) => {
    const proxy = await startTcpProxy(inject('redisUrl'));
    onTestFinished(() => proxy.close());
    const world = await createDashboardWorld({ redisUrlOfWorker: proxy.url });
    await proxy.sever();
    await expect.poll(async () => (await world.page(path)).status).toBe(503);
    const { text } = await world.page(path);
    expect(text).toContain('Redis does not answer');
    expect(text).not.toMatch(/\b(?:no|none|never)\b/i);
    await proxy.restore();
    await expect.poll(async () => (await world.page(path)).status).not.toBe(503);
  });
});
