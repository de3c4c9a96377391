import { connect as connectTo } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { actionRoutes } from '../../../../src/ops/dashboard/actions/action-routes.ts';
import { ACTIONS } from '../../../../src/ops/dashboard/actions/actions.ts';
import { createFormTokens } from '../../../../src/ops/dashboard/actions/form-token.ts';
import type { OperatorActions } from '../../../../src/ops/dashboard/actions/operator-actions.ts';
import { makeFailedJobs } from '../../../support/failed-jobs.ts';
import { AUTHORIZATION, OPERATOR, createDashboardWorld } from '../dashboard-world.ts';
import {
  AN_OPERATOR,
  type ActionName,
  type OperatorWorld,
  createOperatorWorld,
  fieldsIn,
  leadOf,
  pathOf,
  stateOf,
} from './operator-world.ts';

/** Every route that takes a form. */
function postRoutes(): string[] {
  const none = {} as OperatorActions;
  const { routes } = actionRoutes(none, async () => new Response());
  const paths = routes.filter(({ method, path }) => method === 'POST' && !path.endsWith('/*'));
  return [...new Set(paths.map(({ path }) => path))];
}

/** A filter that each action takes. */
const FILTERS: Record<ActionName, object> = {
  retryFailed: {},
  dropFailed: {},
  redriveDeadLetters: {},
  dropDeadLetters: {},
  cancelDeletion: { clientId: 'c-1' },
  rescheduleDeletion: { clientId: 'c-1', due: '2030-01-02T03:04' },
  releaseDeletions: {},
  refuseDeletions: {},
  pauseQueue: { queue: 'user-jobs' },
  resumeQueue: { queue: 'user-jobs' },
};

/** The fields of the confirmation of a pause. */
async function confirmation(world: OperatorWorld): Promise<Record<string, string>> {
  return fieldsIn((await world.press('pauseQueue', FILTERS.pauseQueue)).html);
}

describe('who may act', () => {
  it('is nobody where no operator is configured', async () => {
    const world = await createDashboardWorld();
    for (const path of postRoutes()) {
      const { status } = await world.ask(path, { method: 'POST', body: '' });
      expect([path, status]).toEqual([path, 405]);
    }
  });

  it('is no viewer and nobody without a password, on any route, even with the form of an operator', async () => {
    const world = await createOperatorWorld();
    const confirmed = await confirmation(world);
    const asked = { token: await world.token(), filter: JSON.stringify(FILTERS.pauseQueue) };
    const before = await stateOf(world);
    const paths = postRoutes();
    expect(paths).toHaveLength(2 * Object.keys(ACTIONS).length);
    for (const path of [...paths, '/actions/nothing', '/actions/done/x']) {
      for (const fields of [{}, asked, confirmed]) {
        const viewer = await world.post(path, fields, { authorization: AUTHORIZATION });
        expect([path, viewer.status, leadOf(viewer.html)]).toEqual([
          path,
          403,
          'Nothing was changed. Only an operator acts here.',
        ]);
        const anonymous = await world.post(path, fields, { authorization: '' });
        expect([path, anonymous.status]).toEqual([path, 401]);
      }
    }
    expect(await stateOf(world)).toEqual(before);
  });

  it('is an operator by the headers of the proxy, from its own address only', async () => {
    const proxy = { DASHBOARD_PROXY_OPERATOR_GROUP: 'ops' };
    const headers = { 'x-forwarded-user': 'bob', 'x-forwarded-groups': 'all, ops' };
    const far = await createOperatorWorld({ env: { ...proxy, DASHBOARD_PROXY_ADDRESSES: '10.0.0.1' } });
    const asked = { token: await far.token(), filter: JSON.stringify(FILTERS.pauseQueue) };
    const as = (authorization: string) => ({ ...headers, authorization });
    expect((await far.post(pathOf('pauseQueue'), asked, as(''))).status).toBe(401);
    expect((await far.post(pathOf('pauseQueue'), asked, as(AUTHORIZATION))).status).toBe(403);

    const near = await createOperatorWorld({ env: { ...proxy, DASHBOARD_PROXY_ADDRESSES: '127.0.0.0/8' } });
    const page = async (given: Record<string, string>) =>
      (await fetch(`${near.url}/dashboard`, { headers: given })).text();
    const { token = '' } = fieldsIn(await page(headers));
    expect(fieldsIn(await page({ ...headers, 'x-forwarded-groups': 'all' }))).toEqual({});
    const filter = JSON.stringify(FILTERS.pauseQueue);
    const { html } = await near.post(pathOf('pauseQueue'), { token, filter }, as(''));
    const { status } = await near.post(`${pathOf('pauseQueue')}/confirmed`, fieldsIn(html), as(''));
    expect(status).toBe(303);
    expect(await near.recorded()).toMatchObject([{ who: 'bob', from: 'page', what: 'queue pause' }]);
    // The form of one operator is none of another's.
    expect((await near.post(pathOf('pauseQueue'), { token, filter })).status).toBe(403);
  });
});

/** The head of the dashboard's page with these lines among those of the request. */
async function answerTo(url: string, lines: string[]): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connectTo({ host: hostname, port: Number(port) });
  onTestFinished(() => void socket.destroy());
  socket.write(['GET /dashboard HTTP/1.1', 'Host: x', 'Connection: close', ...lines, '', ''].join('\r\n'));
  return text(socket);
}

it('a header that the client has sent beside that of the proxy makes nobody a viewer or an operator', async () => {
  const { url } = await createDashboardWorld({
    env: {
      ...AN_OPERATOR,
      DASHBOARD_PROXY_ADDRESSES: '127.0.0.1',
      DASHBOARD_PROXY_OPERATOR_GROUP: 'ops',
    },
  });
  const user = 'X-Forwarded-User: eve';
  const [all, ops] = ['X-Forwarded-Groups: all', 'x-forwarded-groups: ops'];
  const hasButtons = async (lines: string[]) => (await answerTo(url, lines)).includes('queue-pause');
  expect(await hasButtons([user, ops])).toBe(true);
  for (const groups of [
    [all, ops],
    [ops, all],
  ])
    expect(await hasButtons([user, ...groups])).toBe(false);
  expect(await answerTo(url, [user, user, ops])).toMatch(/^HTTP\/1\.1 401 /);
});

describe('a form', () => {
  it('is taken only from a page of ours', async () => {
    const world = await createOperatorWorld();
    const asked = { token: await world.token(), filter: JSON.stringify(FILTERS.pauseQueue) };
    const confirmed = await confirmation(world);
    const before = await stateOf(world);
    const strange: Record<string, string>[] = [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { origin: '' },
      { origin: `${world.url}.evil.example` },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'none' },
    ];
    for (const headers of strange) {
      const answers = [
        await world.post(pathOf('pauseQueue'), asked, headers),
        await world.post(`${pathOf('pauseQueue')}/confirmed`, confirmed, headers),
      ];
      expect([headers, ...answers.map(({ status }) => status)]).toEqual([headers, 403, 403]);
    }
    const types = ['text/plain', 'application/json', 'multipart/form-data; boundary=x', ''];
    for (const type of types) {
      const { status } = await world.post(`${pathOf('pauseQueue')}/confirmed`, confirmed, {
        'content-type': type,
      });
      expect([type, status]).toEqual([type, 400]);
    }
    expect(await stateOf(world)).toEqual(before);
    const rewritten = { origin: 'https://dashboard.example', 'sec-fetch-site': 'same-origin' };
    expect((await world.post(pathOf('pauseQueue'), asked, rewritten)).status).toBe(200);
  });

  it('needs a token of its own: none, a forged, an old, and one for something else change nothing', async () => {
    const world = await createOperatorWorld();
    await makeFailedJobs(world.redis, world.prefix, { count: 2 });
    const token = await world.token();
    const confirmed = await confirmation(world);
    const drop = fieldsIn((await world.press('dropFailed')).html);
    const key = async () => (await world.redis.get(`${world.prefix}:form-key`)) ?? '';
    const account = { name: OPERATOR, role: 'operator' } as const;
    const made = async (content: string, options: Partial<Parameters<typeof createFormTokens>[0]> = {}) =>
      (await createFormTokens({ key, ...options }).issue(account, content, 60_000)).text;
    const before = await stateOf(world);

    const filter = JSON.stringify(FILTERS.pauseQueue);
    const old = { now: () => Date.now() - 61_000 };
    const otherKey = { key: async () => 'x' };
    for (const bad of [
      '',
      'x',
      `${token}x`,
      token.replace(/\d/, (digit) => String(9 - Number(digit))),
      confirmed['token'] ?? '',
    ]) {
      const { status } = await world.post(pathOf('pauseQueue'), { token: bad, filter });
      expect([bad, status]).toEqual([bad, 403]);
    }
    expect(
      (await world.post(pathOf('pauseQueue'), { token: await made('ask', old), filter })).html,
    ).toContain('This form is too old');
    const order = confirmed['order'] ?? '';
    const content = `queue-pause ${order}`;
    const orders = [
      { order, token },
      { order, token: await made(content, otherKey) },
      { order, token: await made(content, old) },
      { order, token: drop['token'] ?? '' },
      { ...confirmed, order: order.replace('user-jobs', 'user-events') },
      { ...drop, order: (drop['order'] ?? '').replace('"count":2', '"count":3') },
      { order },
      {},
    ];
    for (const fields of orders) {
      const { status } = await world.post(`${pathOf('pauseQueue')}/confirmed`, fields);
      expect([fields, status]).toEqual([fields, 403]);
    }
    const { status } = await world.post(`${pathOf('retryFailed')}/confirmed`, drop);
    expect(status).toBe(403);
    expect(await stateOf(world)).toEqual(before);
    expect(await world.recorded()).toEqual([]);
    // The one that is made so is taken: the others were refused for what they are.
    const good = { order, token: await made(content) };
    expect((await world.post(`${pathOf('pauseQueue')}/confirmed`, good)).status).toBe(303);
  });

  it('sent twice acts once, and says so', async () => {
    const world = await createOperatorWorld();
    await world.jobs.pause();
    await makeFailedJobs(world.redis, world.prefix, { count: 1 });
    const { html } = await world.press('retryFailed');
    const clicks = await Promise.all(
      [1, 2, 3].map(() => world.post(`${pathOf('retryFailed')}/confirmed`, fieldsIn(html))),
    );
    const [one = '', ...others] = clicks.map(({ location }) => location).toSorted();
    expect(one).toMatch(/^\/dashboard\/actions\/done\/[\w-]{22}$/);
    expect(others).toEqual([`${one}?again=1`, `${one}?again=1`]);
    expect(await world.endOf(one)).toBe('Done. 1 retried.');
    expect(await world.endOf(`${one}?again=1`)).toMatch(/^This form was sent more than once\./);
    expect(await world.get(`${one}?again=1`)).toContain('Done. 1 retried.');
    // The job has failed again: an old click does not retry it once more.
    await makeFailedJobs(world.redis, world.prefix, { count: 1, idStart: 'next' });
    const late = await world.post(`${pathOf('retryFailed')}/confirmed`, fieldsIn(html));
    expect(late.location).toBe(`${one}?again=1`);
    expect(await world.jobs.getFailedCount()).toBe(1);
    expect(await world.recorded()).toHaveLength(1);
  });

  it('with faults is refused with all of them', async () => {
    const world = await createOperatorWorld();
    const refused = async (name: ActionName, filter: unknown, more: Record<string, string> = {}) => {
      const token = await world.token();
      const { status, html } = await world.post(pathOf(name), {
        token,
        filter: typeof filter === 'string' ? filter : JSON.stringify(filter),
        ...more,
      });
      expect(status).toBe(400);
      return [...html.matchAll(/<li>(.*?)<\/li>/g)].map(([, text]) => text);
    };
    expect(await refused('retryFailed', { code: ['x'], operation: 'y' })).toHaveLength(2);
    expect(await refused('retryFailed', { olderThan: '2 days' })).toEqual([
      'olderThan: must be a number and a unit, such as 90s, 30m, 2h, 7d or 1w.',
    ]);
    expect(await refused('retryFailed', { __proto__x: 1 })).toHaveLength(1);
    for (const text of ['', '[]', 'null', '{', '1'])
      expect(await refused('retryFailed', text)).toEqual(['The filter cannot be read.']);
    expect(await refused('cancelDeletion', {})).toEqual(['clientId or userId is required.']);
    expect(await refused('cancelDeletion', { clientId: ' c-1' })).toEqual([
      expect.stringContaining('blanks'),
    ]);
    for (const due of ['', 'tomorrow', '2030-13-01T00:00', '1000-01-01T00:00', '9999-01-01T00:00'])
      expect([due, (await refused('rescheduleDeletion', { clientId: 'c-1' }, { due })).length]).toEqual([
        due,
        1,
      ]);
    expect(await refused('releaseDeletions', { instance: 'mars' })).toHaveLength(1);
    expect(await refused('pauseQueue', { queue: 'crm' })).toEqual(['There is no such queue.']);
    const large = await world.press('retryFailed', { id: ['x'.repeat(70_000)] });
    expect([large.status, large.html.includes('It is too large.')]).toEqual([400, true]);
    expect(await world.recorded()).toEqual([]);
  });
});

describe('where the audit log cannot be written', () => {
  it.each(Object.keys(ACTIONS) as ActionName[])('nothing is changed by %s', async (name) => {
    const world = await createOperatorWorld({ env: { DELETIONS_PER_HOUR: '0' } });
    await makeFailedJobs(world.redis, world.prefix, { count: 2 });
    await makeFailedJobs(world.redis, world.prefix, { count: 2, queue: 'user-events' });
    await world.run('create-user', { clientId: 'c-2' });
    await world.add('delete-user', { clientId: 'c-2' });
    await expect.poll(() => world.redis.zcard(`${world.prefix}:circuit:deletion-limit:held`)).toBe(1);
    await world.add('delete-user', { clientId: 'c-1' }, { delay: 1e9 });
    if (name === 'resumeQueue') await world.jobs.pause();
    await world.redis.set(`${world.prefix}:audit`, 'no stream');
    const before = await stateOf(world);
    const { html } = await world.press(name, FILTERS[name]);
    const { location } = await world.post(`${pathOf(name)}/confirmed`, fieldsIn(html));
    // The deletion of another client cannot be moved: there is no form.
    if (name === 'rescheduleDeletion') expect(fieldsIn(html)).toEqual({});
    else expect(await world.endOf(location)).toBe('Nothing was changed. The audit log cannot be written.');
    expect(await stateOf(world)).toEqual(before);
  });
});
