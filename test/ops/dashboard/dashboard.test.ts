import { inject, describe, expect, it, onTestFinished } from 'vitest';
import { startTcpProxy } from '../../support/tcp-proxy.ts';
import { dumpRedis, tracesOf } from '../../support/traces.ts';
import { createWorld } from '../../support/world.ts';
import { createDashboardWorld } from './dashboard-world.ts';

const MARKS = ['Lovelacemark', 'adamark', 'movedmark', 'tokenmark', 'logmark', 'failuremark', 'namemark'];

describe('the dashboard', () => {
  it('is not there where no user and password are configured', async () => {
    const world = await createWorld({ startsWorker: false });
    const { url } = await world.startWorker();
    for (const path of ['/dashboard', '/dashboard/queues', '/dashboard/panels.json']) {
      expect((await fetch(url + path)).status).toBe(404);
    }
  });

  it('asks for user and password on every path, and says the same to whatever is wrong', async () => {
    const { url, ask } = await createDashboardWorld();
    const paths = [
      '',
      '/',
      '/nothing',
      '/page.css',
      '/panels.json',
      '/queues',
      '/queues/',
      '/queues/api/queues',
    ];
    for (const path of [...paths, '/queues/static/js/x.js', '/queues/queue/user-jobs']) {
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
    expect((await world.ask('/queues/api/queues')).status).toBe(503);
    await proxy.restore();
    await expect
      .poll(async () => (await (await world.ask('/panels.json')).text()).includes('does not answer'))
      .toBe(false);
  });

  it('bears strict headers, and keeps nothing but the files of the board', async () => {
    const { url, ask } = await createDashboardWorld();
    const answers = [
      ask(),
      ask('/panels.json'),
      ask('/queues'),
      ask('/queues/api/queues'),
      fetch(`${url}/dashboard`),
    ];
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
});

describe('the board of the queues', () => {
  it('shows jobs of every state without a trace of personal data or a token', async () => {
    const env = { JOB_ATTEMPTS: '1', EVENTS_QUEUES: 'user-events,unread' };
    const world = await createDashboardWorld({ env });
    const profile = { firstName: 'Lovelacemark', email: 'adamark@example.com' };
    await world.run('create-user', { clientId: 'done', profile, createAccessToken: true });
    await world.jobs.pause();
    const waiting = await world.add('update-user', { clientId: 'waiting', changes: profile });
    await world.add('delete-user', { clientId: 'later', reason: 'movedmark' }, { delay: 1e9 });
    const odd = await world.add('namemark', { Lovelacemark: { accessToken: 'tokenmark' } });
    await world.jobs.addJobLog(odd, 'logmark');
    const failing = await world.redis.hset(
      world.jobs.toKey(odd),
      'stacktrace',
      '["failuremark"]',
      'data',
      'not adamark',
    );
    expect(failing).toBeGreaterThanOrEqual(1);
    const seen: string[] = [];
    for (const status of ['latest', 'waiting', 'completed', 'delayed', 'failed', 'active']) {
      for (const queue of ['user-jobs', 'unread']) {
        const answer = await world.ask(
          `/queues/api/queues?activeQueue=${queue}&status=${status}&jobsPerPage=100`,
        );
        expect(answer.status).toBe(200);
        seen.push(await answer.text());
      }
    }
    for (const job of [waiting, odd]) {
      for (const more of ['', '/logs', '/flow']) {
        seen.push(await (await world.ask(`/queues/api/queues/user-jobs/${job}${more}`)).text());
      }
    }
    expect(seen.join()).toContain('"clientId":"waiting"');
    expect(seen.join()).toContain('"firstName":"•••"');
    expect(seen.join()).toContain('"accessToken":"•••"');
    expect(tracesOf(MARKS, seen)).toEqual([]);
  });

  it.each(['/queues?activeQueue=%', '/job-schedulers?queueName=%', '/queues?activeQueue=user-jobs%C3'])(
    'is refused as what it is: %s',
    async (path) => {
      const world = await createDashboardWorld();
      expect((await world.ask(`/queues/api${path}`)).status).toBe(400);
    },
  );

  it('lists as waiting what the tile counts, with a priority or without, page by page', async () => {
    const world = await createDashboardWorld();
    await world.jobs.pause();
    const add = (clientId: string, options = {}) => world.add('create-user', { clientId }, options);
    const ids = [
      ...(await Promise.all(['a', 'b', 'c'].map((id) => add(id)))),
      ...(await Promise.all(['d', 'e', 'f', 'g'].map((id) => add(id, { priority: 1000 })))),
    ];
    const { figures } = (await (await world.ask('/panels.json')).json()) as Record<string, string>;
    const [, href = '', figure] =
      /id="to-waiting" href="([^"]+)".*?<span class="figure">(\d+)</s.exec(figures ?? '') ?? [];
    const status = new URL(href, world.url).searchParams.get('status');
    const listed: string[][] = [];
    for (const page of [1, 2, 3, 4]) {
      const query = `activeQueue=user-jobs&status=${status}&jobsPerPage=2&page=${page}`;
      const answer = (await (await world.ask(`/queues/api/queues?${query}`)).json()) as {
        queues: { name: string; counts: Record<string, number>; jobs: { id: string }[] }[];
      };
      const queue = answer.queues.find(({ name }) => name === 'user-jobs');
      expect(queue?.counts['waiting']).toBe(Number(figure));
      listed.push((queue?.jobs ?? []).map(({ id }) => id));
    }
    expect(figure).toBe('7');
    expect(listed.map(({ length }) => length)).toEqual([2, 2, 2, 1]);
    expect(new Set(listed.flat())).toEqual(new Set(ids));
    // Live sign-ups go first.
    expect(new Set(listed.flat().slice(0, 3))).toEqual(new Set(ids.slice(0, 3)));
    const job = await (await world.ask(`/queues/api/queues/user-jobs/${ids.at(-1)}`)).json();
    expect(job).toMatchObject({ status: 'waiting' });
  });

  it('changes nothing, whatever it is asked', async () => {
    const world = await createDashboardWorld();
    await world.jobs.pause();
    const later = await world.add('delete-user', { clientId: 'later' }, { delay: 1e9 });
    const waiting = await world.add('create-user', { clientId: 'waiting' });
    const routes = [
      ['PUT', '/pause'],
      ['PUT', '/resume'],
      ['POST', '/user-jobs/add'],
      ...['retry/failed', 'promote', 'clean/delayed', 'pause', 'resume', 'empty', 'obliterate'].map((act) => [
        'PUT',
        `/user-jobs/${act}`,
      ]),
      ...['retry', 'clean', 'promote', 'remove-unprocessed-children'].map((act) => [
        'PUT',
        `/user-jobs/${later}/${act}`,
      ]),
      ...['update-data', 'delay', 'priority'].map((act) => ['PATCH', `/user-jobs/${waiting}/${act}`]),
      ['DELETE', `/user-jobs/${waiting}`],
    ] as [string, string][];
    // The worker looks for work all the while.
    const isItsOwn = /:user-jobs:(marker|stalled-check) /;
    const jobsOnly = async () =>
      (await dumpRedis(world.redis, `${world.prefix}:user-jobs*`))
        .filter((line) => !isItsOwn.test(line))
        .toSorted();
    const before = await jobsOnly();
    for (const [method, path] of routes) {
      const answer = await world.ask(`/queues/api/queues${path}`, {
        method,
        body: '{"name":"delete-user","data":{},"delay":0}',
        headers: { 'content-type': 'application/json', 'x-http-method-override': method },
      });
      expect({ path, status: answer.status }).toEqual({ path, status: 405 });
    }
    expect(await jobsOnly()).toEqual(before);
  });
});
