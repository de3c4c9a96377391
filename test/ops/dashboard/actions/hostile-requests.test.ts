import { fc } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { ACTIONS } from '../../../../src/ops/dashboard/actions/actions.ts';
import { INSIDE, requests, send } from '../../../support/http-fuzz.ts';
import { makeFailedJobs } from '../../../support/failed-jobs.ts';
import { AS_OPERATOR, AUTHORIZATION, OPERATOR_PASSWORD } from '../dashboard-world.ts';
import { type ActionName, createOperatorWorld, fieldsIn, pathOf, stateOf } from './operator-world.ts';

const HOSTILE = '"\'><img src=x onerror=alert(1)>&lt;${1}{{2}}\u202e</textarea><script>alert(1)</script>';

/** The hostile text as markup, however it was cut. */
const ESCAPED_OUT = /<img|<script>alert|<\/textarea>/i;

describe('hostile text', () => {
  it('in any field of a form or confirmation is shown as text', async () => {
    const user = `anna"'><img src=x onerror=alert(1)>`;
    const world = await createOperatorWorld({ env: { DASHBOARD_OPERATOR_USER: user } });
    const authorization = `Basic ${Buffer.from(`${user}:${OPERATOR_PASSWORD}`).toString('base64')}`;
    const get = async (path: string) =>
      (await fetch(`${world.url}${path}`, { headers: { authorization } })).text();
    const post = (path: string, fields: Record<string, string>) =>
      world.post(path, fields, { authorization });
    await world.jobs.pause();
    await makeFailedJobs(world.redis, world.prefix, {
      count: 1,
      idStart: HOSTILE,
      name: HOSTILE,
      data: { clientId: HOSTILE, instance: HOSTILE },
      reason: `rejected: ${HOSTILE}`,
    });
    const { token = '' } = fieldsIn(await get('/dashboard'));
    const seen: string[] = [await get('/dashboard')];
    const id = `${HOSTILE}-1`;
    const filters: [ActionName, object][] = [
      ['retryFailed', { id: [id], clientId: HOSTILE }],
      ['dropFailed', { id: [id] }],
      ['retryFailed', { code: [HOSTILE], [HOSTILE]: 1 }],
      ['redriveDeadLetters', { id: [id], userId: HOSTILE }],
      ['redriveDeadLetters', { queue: HOSTILE }],
      ['cancelDeletion', { clientId: HOSTILE.replace('\u202e', '') }],
      ['cancelDeletion', { clientId: HOSTILE }],
      ['rescheduleDeletion', { userId: HOSTILE, due: HOSTILE }],
      ['releaseDeletions', { clientId: HOSTILE, instance: HOSTILE }],
      ['pauseQueue', { queue: HOSTILE }],
    ];
    for (const [name, filter] of filters) {
      const { html } = await post(pathOf(name), { token, filter: JSON.stringify(filter), due: HOSTILE });
      const asked = await post(pathOf(name), { token, filter: JSON.stringify(filter) });
      seen.push(html, asked.html);
      const fields = fieldsIn(asked.html);
      if (fields['order'] === undefined) continue;
      const { location } = await post(`${pathOf(name)}/confirmed`, { ...fields, reason: HOSTILE });
      seen.push(await get(location), await get(`${location}?again=${encodeURIComponent(HOSTILE)}`));
    }
    const [done] = await world.redis.keys(`${world.prefix}:action:*`);
    const part = await get(`/dashboard/actions/done/${done?.split(':').at(-1)}:alive`);
    expect(part).toContain('No such action is known');
    seen.push(
      await get('/dashboard/audit'),
      await get(`/dashboard/actions/done/${encodeURIComponent(HOSTILE)}`),
      await get(`/dashboard/actions/done/x?${encodeURIComponent(HOSTILE)}=1`),
      (await post(pathOf('pauseQueue'), { token: HOSTILE, filter: HOSTILE })).html,
      (await post(`/actions/${encodeURIComponent(HOSTILE)}`, { token })).html,
    );
    expect((await world.recorded()).map(({ what, reason }) => [what, reason])).toEqual([
      ['failed retry', HOSTILE],
      ['deletions cancel', HOSTILE],
    ]);
    expect(seen.filter((html) => html.includes('&lt;img src=x')).length).toBeGreaterThan(8);
    expect(seen.flatMap((html) => ESCAPED_OUT.exec(html)?.[0] ?? [])).toEqual([]);
  });
});

const PATHS = Object.values(ACTIONS).flatMap(({ name }) => [
  `/dashboard/actions/${name}`,
  `/dashboard/actions/${name}/confirmed`,
]);

/** Requests of all kinds from every account, most of them forms: of some the token is one of an operator's page. */
async function fuzz(numRuns: number): Promise<void> {
  const world = await createOperatorWorld();
  await world.jobs.pause();
  await makeFailedJobs(world.redis, world.prefix, { count: 3 });
  await world.add('delete-user', { clientId: 'c-1' }, { delay: 1e9 });
  const token = await world.token();
  const { order = '', token: confirmed = '' } = fieldsIn((await world.press('dropFailed')).html);
  const forms = [
    { token, filter: '{}' },
    { token, filter: '{"queue":"user-jobs"}' },
    { token, filter: '{"clientId":"c-1"}', due: '2030-01-02T03:04' },
    { token, order },
    { token: confirmed, filter: '{}' },
    { token: confirmed, order: `${order} ` },
    { token: `${confirmed}x`, order },
  ].map((fields) => new URLSearchParams(fields).toString());
  const asked = requests({
    paths: [
      ...PATHS,
      '/dashboard',
      '/dashboard/actions',
      '/dashboard/actions/done',
      '/dashboard/jobs',
      '/dashboard/users',
    ],
    queries: ['again', 'token', 'order', 'filter', 'state'],
    headers: [
      'origin',
      'sec-fetch-site',
      'content-type',
      'content-length',
      'x-forwarded-user',
      'x-forwarded-groups',
      'x-http-method-override',
    ],
    values: [
      world.url,
      'same-origin',
      'cross-site',
      'application/x-www-form-urlencoded',
      'ops',
      'DELETE',
      token,
      '5',
    ],
    bodies: [...forms, 'token=%', '&&&', 'token=a&token=b', 'x'.repeat(70_000)],
  });
  const form = fc.record({
    method: fc.constant('POST'),
    path: fc.constantFrom(...PATHS),
    headers: fc.constant({ origin: world.url, 'content-type': 'application/x-www-form-urlencoded' }),
    body: fc.oneof(
      fc.constantFrom(...forms),
      fc.tuple(fc.constantFrom(...forms), fc.string()).map(([one, more]) => one + more),
    ),
  });
  const before = await stateOf(world);
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(asked, form),
      fc.constantFrom({ authorization: AS_OPERATOR }, { authorization: AUTHORIZATION }, {}),
      async (request, account) => {
        const { status, text } = await send(world.url, {
          ...request,
          headers: { ...request.headers, ...account },
        });
        expect(status).toBeLessThan(500);
        expect(status).not.toBe(303);
        if (!request.path.endsWith('.js')) expect(text).not.toMatch(INSIDE);
      },
    ),
    { numRuns },
  );
  expect(await stateOf(world)).toEqual(before);
  expect(await world.recorded()).toEqual([]);
  expect(world.logLines.filter((line) => line.includes('a request to this worker failed'))).toEqual([]);
}

const TITLE = 'no request without a valid token changes anything or fails';

describe('whatever is asked', () => {
  it(`${TITLE}: 300 requests`, () => fuzz(300));

  it(`${TITLE}: 10,000 requests`, { tags: ['slow'] }, () => fuzz(10_000));
});
