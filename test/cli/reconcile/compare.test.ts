import { describe, expect, it } from 'vitest';
import { inOrder } from '../../../src/reconcile/in-order.ts';
import { SANDBOX_CREDENTIALS } from '../../../src/sandbox/server.ts';
import { runCommand } from '../../support/run-command.ts';
import { startShiftingPages } from '../../support/shifting-pages.ts';
import { createReconcileWorld, csvOf, people, person, told } from './reconcile-world.ts';
import { WHOLE, changed, restOf, wholePerson } from './whole-person.ts';

/** The admin of the sandbox as another client that changes users meanwhile. */
async function adminOf(sandboxUrl: string) {
  const { adminEmail: email, adminPassword } = SANDBOX_CREDENTIALS;
  const call = (method: string, path: string, headers: Record<string, string>, body?: object) =>
    fetch(`${sandboxUrl}/v1/${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  const login = { LoginFields: JSON.stringify({ email }), Password: adminPassword };
  const answer = await call('POST', 'Auth/Login', {}, login);
  const { Result } = (await answer.json()) as { Result: { AccessToken: { Token: string } } };
  const headers = { authorization: `Bearer ${Result.AccessToken.Token}` };
  return {
    delete: (id: string) => call('DELETE', `Management/users/${id}`, headers),
    update: (id: string, changes: object) =>
      call('PUT', 'Management/users', { ...headers, userdevicetoken: id }, changes),
  };
}

describe('`reconcile`', () => {
  describe.each([
    { count: 600, tags: [] },
    { count: 10_000, tags: ['slow'] },
  ])('of $count users', ({ count, tags }) => {
    it(
      'finds all 50 orphaned, 30 missing and 100 differing ones, and no other, without a write',
      { tags },
      async () => {
        const world = await createReconcileWorld();
        const ids = await world.signUp(people(0, count));
        const admin = await adminOf(world.sandboxUrl);
        for await (const _ of inOrder(ids.entries(), 50, ([at, id]) => admin.update(id, restOf(at))));
        const seeded = await world.mutations();
        // The first 50 are orphaned; 30 more than there are are listed; of 100 one field differs, or the status, too.
        const listed = Array.from({ length: count - 20 }, (_, at) => wholePerson(50 + at));
        const from = count / 10;
        const fieldsOf = (at: number) =>
          WHOLE.filter((field, place) => place === at % WHOLE.length || (at % 9 === 0 && field === 'status'));
        const differing = listed.slice(from, from + 100).map((row, at) => changed(row, fieldsOf(at)));
        listed.splice(from, 100, ...differing);
        const file = await world.write(csvOf(listed, ['clientId', ...WHOLE]));
        const end = await world.reconcile(file, '--json');
        expect(end.status).toBe(1);
        const lines = told(end);
        const of = (kind: string) => lines.filter((line) => line.kind === kind);
        expect(of('orphaned').map(({ userId }) => userId)).toHaveLength(50);
        expect(new Set(of('orphaned').map(({ userId }) => userId))).toEqual(new Set(ids.slice(0, 50)));
        expect(of('missing').map(({ clientId }) => clientId)).toEqual(
          people(count, count + 30).map(({ clientId }) => clientId),
        );
        expect(of('differing')).toEqual(
          differing.map(({ clientId }, at) => ({
            kind: 'differing',
            line: from + 2 + at,
            clientId,
            userId: ids[from + 50 + at],
            fields: fieldsOf(at),
          })),
        );
        expect(lines.at(-1)).toEqual({
          summary: {
            listed: count - 20,
            atDamoov: count,
            missing: 30,
            orphaned: 50,
            duplicated: 0,
            differing: 100,
            unknown: 0,
            lookalikes: 0,
            otherInstances: 0,
          },
        });
        expect(lines).toHaveLength(181);
        expect(await world.mutations()).toBe(seeded);
        expect(await world.jobs.getJobCountByTypes('wait', 'prioritized', 'delayed')).toBe(0);
      },
    );
  });
});

describe('`reconcile` while users come, change and go', () => {
  it('reports no difference that is none, and misses none', async () => {
    const world = await createReconcileWorld();
    const orphans = await world.signUp([{ clientId: 'orphan-old' }]);
    const ids = await world.signUp(people(0, 300));
    orphans.push(...(await world.signUp([{ clientId: 'orphan-young' }])));
    const going = await world.signUp(Array.from({ length: 12 }, (_, at) => ({ clientId: `going-${at}` })));
    const admin = await adminOf(world.sandboxUrl);
    await admin.update(ids[40] ?? '', { Phone: 'old' });
    const later = person(1000);
    // Before each further page some who were read go, so that others slip onto pages that were read.
    const { url } = await startShiftingPages(world.sandboxUrl, async (page) => {
      if (page > 1 && page < 8) for (const id of going.splice(0, 2)) await admin.delete(id);
      if (page === 9) await world.signUp([later, { clientId: 'of-nobody' }, {}]);
    });
    // The page with it has been read by then.
    const file = await world.write(csvOf([...people(0, 300), later]));
    const end = await runCommand(['reconcile', file, '--json', '--page-size', '20'], {
      ...world.env,
      DAMOOV_BASE_URL: url,
    });
    expect(end.stderr).toBe('');
    const lines = told(end);
    const createdAt: unknown = expect.any(String);
    expect(lines.slice(0, -1)).toEqual([
      { kind: 'differing', line: 42, clientId: 'c-40', userId: ids[40], fields: ['phone'] },
      { kind: 'orphaned', userId: orphans[1], clientId: 'orphan-young', createdAt },
      { kind: 'orphaned', userId: orphans[0], clientId: 'orphan-old', createdAt },
    ]);
  });

  it('looks at each difference once more: what was mended meanwhile is none', async () => {
    const world = await createReconcileWorld();
    const ids = await world.signUp(people(0, 60));
    const [orphan = '', twin = ''] = await world.signUp([{ clientId: 'orphan' }, person(7)]);
    const admin = await adminOf(world.sandboxUrl);
    await admin.update(ids[55] ?? '', { Phone: 'old' });
    // The last page is read after all others.
    const { url } = await startShiftingPages(world.sandboxUrl, async (page) => {
      if (page !== 7) return;
      await admin.update(ids[55] ?? '', { Phone: person(55).phone });
      await admin.delete(orphan);
      await admin.delete(twin);
    });
    const file = await world.write(csvOf(people(0, 60)));
    const end = await runCommand(['reconcile', file, '--page-size', '10'], {
      ...world.env,
      DAMOOV_BASE_URL: url,
    });
    expect(end.stdout).toBe(
      [
        'missing     0  in the list, not at Damoov',
        'orphaned    0  at Damoov, not in the list',
        'duplicated  0  in the list, several times at Damoov',
        'differing   0  at Damoov with other values than in the list',
        '60 in the list, 60 at Damoov',
        '',
      ].join('\n'),
    );
    expect(end.status).toBe(0);
  });
});
