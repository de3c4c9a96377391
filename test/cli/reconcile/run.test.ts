import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, inject, it, onTestFinished, vi } from 'vitest';
import { BULK_PRIORITY } from '../../../src/contract/job-options.ts';
import { SANDBOX_CREDENTIALS } from '../../../src/sandbox/server.ts';
import { type CommandEnd, runCommand, runProcess, startCommand } from '../../support/run-command.ts';
import { startShiftingPages } from '../../support/shifting-pages.ts';
import { startTcpProxy } from '../../support/tcp-proxy.ts';
import { startVastDamoov } from '../../support/vast-damoov.ts';
import { createWorld } from '../../support/world.ts';

interface Person {
  clientId?: string;
  firstName?: string;
  lastName?: string;
  nickname?: string;
  phone?: string;
  email?: string;
}

const person = (number: number): Person => ({
  clientId: `c-${number}`,
  firstName: `First${number}`,
  lastName: `Last${number}`,
  phone: `+44 20 ${number}`,
  email: `mail${number}@example.com`,
});
const people = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => person(from + at));

const COLUMNS = ['clientId', 'firstName', 'lastName', 'phone', 'email'] as const;
const csvOf = (rows: readonly Person[]) =>
  [COLUMNS.join(','), ...rows.map((row) => COLUMNS.map((name) => row[name] ?? '').join(','))].join('\n');

async function createReconcileWorld(options: Parameters<typeof createWorld>[0] = {}) {
  const world = await createWorld({ startsWorker: false, ...options });
  const dir = await mkdtemp(join(tmpdir(), 'reconcile-'));
  onTestFinished(() => rm(dir, { recursive: true }));
  const write = async (text: string, name = 'users.csv') => {
    const path = join(dir, name);
    await writeFile(path, text);
    // The clock of the file system lags behind by some milliseconds, and the time of a file is cut to a whole one.
    await nextMillisecond();
    await utimes(path, new Date(), new Date());
    return path;
  };
  return {
    ...world,
    dir,
    write,
    /** Users made by others than us; answers their UserIds, in their order. */
    async signUp(persons: readonly Person[]): Promise<string[]> {
      const ids: string[] = [];
      for (let from = 0; from < persons.length; from += 50) {
        ids.push(...(await Promise.all(persons.slice(from, from + 50).map(signUpAt(world.sandboxUrl)))));
      }
      return ids;
    },
    reconcile: (...args: string[]) => runCommand(['reconcile', ...args], world.env),
    /** The environment in which there is another instance, too. */
    async withInstances(name: string) {
      const path = join(dir, 'instances.json');
      await writeFile(path, JSON.stringify({ [name]: { id: randomUUID(), key: randomUUID() } }));
      return { ...world.env, DAMOOV_INSTANCES_FILE: path };
    },
    mutations: async () =>
      (await world.requests()).filter(({ operation }) => MUTATIONS.includes(operation)).length,
  };
}
const signUpAt =
  (url: string) =>
  async ({ clientId, firstName, lastName, nickname, phone, email }: Person): Promise<string> => {
    const id = randomUUID();
    const { instanceId, instanceKey } = SANDBOX_CREDENTIALS;
    const response = await fetch(`${url}/v1/Registration/create`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', instanceid: instanceId, instancekey: instanceKey },
      body: JSON.stringify({
        CustomToken: id,
        FirstName: firstName,
        LastName: lastName,
        Nickname: nickname,
        Phone: phone,
        Email: email,
        UserFields: { ClientId: clientId },
      }),
    });
    if (!response.ok) throw new Error(`the sandbox answered ${response.status}`);
    return id;
  };
const MUTATIONS = ['create', 'update', 'delete', 'move'];

interface Told {
  kind?: string;
  line?: number;
  clientId?: string;
  userId?: string;
  userIds?: string[];
  fields?: string[];
  summary?: Record<string, unknown>;
}

function told({ stdout }: CommandEnd): Told[] {
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Told);
}

describe('`reconcile --plan`', () => {
  describe.each([
    { count: 600, tags: [] },
    { count: 10_000, tags: ['slow'] },
  ])('of $count users', ({ count, tags }) => {
    it(
      'finds all 50 orphaned, 30 missing and 20 differing ones, and no other, without a write',
      { tags },
      async () => {
        const world = await createReconcileWorld();
        const ids = await world.signUp(people(0, count));
        const seeded = await world.mutations();
        // The first 50 are orphaned; 30 more than there are are listed; of 20 one field or two differ.
        const listed = people(50, count + 30);
        const from = count / 10;
        const differing = listed.slice(from, from + 20).map((row, at) => ({
          ...row,
          phone: '+1',
          ...(at % 2 === 0 && { lastName: 'Other' }),
        }));
        listed.splice(from, 20, ...differing);
        const file = await world.write(csvOf(listed));
        const end = await world.reconcile(file, '--plan', '--json');
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
            fields: at % 2 === 0 ? ['lastName', 'phone'] : ['phone'],
          })),
        );
        expect(lines.at(-1)).toEqual({
          summary: {
            listed: count - 20,
            atDamoov: count,
            missing: 30,
            orphaned: 50,
            duplicated: 0,
            differing: 20,
            lookalikes: 0,
            otherInstances: 0,
          },
        });
        expect(lines).toHaveLength(101);
        expect(await world.mutations()).toBe(seeded);
        expect(await world.jobs.getJobCountByTypes('wait', 'prioritized', 'delayed')).toBe(0);
      },
    );
  });
});

/** The admin of the sandbox, as somebody else who changes users meanwhile. */
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

describe('`reconcile --plan` while users come, change and go', () => {
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

describe('the list', () => {
  it('takes the names of the SDK and of the caller, from a pipe as from a file', async () => {
    const world = await createReconcileWorld();
    await world.signUp([{ clientId: 'a', firstName: 'Ada' }, { clientId: 'b' }]);
    const sdk = await world.write('ClientId;FirstName\na;Ada\nb;\n');
    expect((await world.reconcile(sdk)).status).toBe(0);
    const own = await world.write('no,name,shoe size\na,Ada,36\nb,,\n', 'own.csv');
    const map = ['no=clientId', 'name=firstName', 'shoe size='];
    expect((await world.reconcile(own, '--map', ...map)).status).toBe(0);
    const objects = await world.write(
      '{"clientId":"a","profile":{"firstName":"Ada"}}\n{"clientId":"b"}\n',
      'u.ndjson',
    );
    expect((await world.reconcile(objects)).status).toBe(0);
    const { exit } = startCommand(
      ['reconcile', '-', '--format', 'csv'],
      world.env,
      'clientId,firstName\na,Eve\nb,\n',
    );
    expect(await exit).toBe(1);
  });

  it('with faults is refused with status 2, by line and column, and nothing is asked of Damoov', async () => {
    const world = await createReconcileWorld();
    const file = await world.write(
      'clientId,email,occurredAt\na,secret@example.com,\n,x,\na,y,\nb,z,yesterday\n',
    );
    const { status, stdout, stderr } = await world.reconcile(file);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr.split('\n').slice(1)).toEqual([
      'line 3, clientId: must not be empty',
      'line 4, clientId: is in the list already',
      'line 5, occurredAt: must be a time in ISO 8601 with a zone, such as 2027-01-31T12:00:00Z',
      '',
    ]);
    expect(await world.requests('login')).toEqual([]);
  });

  it.each([
    [
      'blanks and the case of an email are no difference',
      { firstName: ' Ada ', email: 'ADA@Example.com' },
      [],
    ],
    ['the two ways to write an é are none', { lastName: 'Andre\u0301' }, []],
    ['the case of a name is one', { firstName: 'ADA' }, ['firstName']],
    ['the form of a phone number is one', { phone: '+44201' }, ['phone']],
    ['an empty cell is none', { firstName: '', phone: ' ' }, []],
  ])('%s', async (_, cells: Person, fields: string[]) => {
    const world = await createReconcileWorld();
    const at = { firstName: 'Ada', lastName: 'Andr\u00e9', phone: '+44 20 1', email: 'ada@example.com' };
    await world.signUp([{ clientId: 'a', ...at }]);
    const file = await world.write(`${JSON.stringify({ clientId: 'a', ...cells })}\n`, 'users.ndjson');
    const [first] = told(await world.reconcile(file, '--json'));
    expect(first?.fields ?? []).toEqual(fields);
  });

  it('of users of several instances is compared by the rows of the one, and the others are counted', async () => {
    const world = await createReconcileWorld();
    await world.signUp([{ clientId: 'a' }, { clientId: 'moved' }]);
    await nextMillisecond();
    const env = await world.withInstances('elsewhere');
    const file = await world.write('clientId,instance\na,\nMoved,elsewhere\nc,default\n,elsewhere\n');
    const reconcile = (...args: string[]) => runCommand(['reconcile', file, ...args], env);
    const lines = told(await reconcile('--json'));
    expect(lines.slice(0, -1)).toMatchObject([
      { kind: 'missing', line: 4, clientId: 'c' },
      { kind: 'orphaned', clientId: 'moved', looksLikeLine: 3 },
    ]);
    expect(lines.at(-1)?.summary).toMatchObject({ listed: 2, otherInstances: 2, orphaned: 1, lookalikes: 1 });
    const { stdout } = await reconcile();
    const others = '2 rows are about other instances: not compared (one that names none is about default)';
    expect(stdout).toContain(`\n${others}\n`);
    const args = ['--apply', '--yes', '--delete-orphans', '--older-than', '0s', '--max-deletions', '1'];
    expect((await reconcile(...args)).stdout).toContain(
      '1 create-user, 0 update-user, 0 delete-user added\n1 orphaned left: like a row of the list',
    );
    expect(await world.jobs.getJobCountByTypes('delayed')).toBe(0);
  });

  it('has a row that names no instance for the default one, as an import does', async () => {
    const world = await createReconcileWorld();
    const path = join(world.dir, 'instances.json');
    const { DAMOOV_INSTANCE_ID: id, DAMOOV_INSTANCE_KEY: key, ...env } = world.env;
    const reconcile = async (file: string, name: string) => {
      const other = { id: randomUUID(), key: randomUUID() };
      await writeFile(path, JSON.stringify({ eu: { id, key }, [name]: other }));
      const args = ['reconcile', file, '--instance', 'eu', '--json'];
      return runCommand(args, { ...env, DAMOOV_INSTANCES_FILE: path });
    };
    const file = await world.write('clientId,instance\na,eu\nb,\nc,default\n');
    const lines = told(await reconcile(file, 'default'));
    expect(lines.slice(0, -1)).toEqual([{ kind: 'missing', line: 2, clientId: 'a' }]);
    expect(lines.at(-1)?.summary).toMatchObject({ listed: 1, otherInstances: 2 });
    // An import would refuse it, too.
    const nameless = await world.write('clientId\na\n', 'nameless.csv');
    const { status, stderr } = await reconcile(nameless, 'us');
    expect(status).toBe(2);
    expect(stderr).toContain('line 2, instance: is needed, as none is called default (known: eu, us)');
  });

  it('with a row of an instance that nobody has configured is refused, by line and with what is known', async () => {
    const world = await createReconcileWorld();
    const env = await world.withInstances('eu');
    const file = await world.write('clientId,instance\na,Default\nb,eu \nc,eu\nd,\n,mars\n');
    const { status, stdout, stderr } = await runCommand(['reconcile', file], env);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    const fault = 'instance: no such instance is configured here (known: eu, default)';
    expect(stderr.split('\n').slice(1)).toEqual([
      `line 2, ${fault}`,
      `line 3, ${fault}`,
      `line 6, ${fault}`,
      '',
    ]);
  });
});

const DAY_MS = 86_400_000;

/** Times are told in milliseconds: what happens from here on is later than what happened before. */
async function nextMillisecond(): Promise<void> {
  const at = Date.now();
  await expect.poll(() => Date.now(), { interval: 1 }).toBeGreaterThan(at);
}

describe('`reconcile --apply`', () => {
  it('adds jobs for the missing and the differing, after which nothing differs', async () => {
    const world = await createReconcileWorld();
    await world.signUp(people(0, 10));
    const rows = [...people(0, 8), { ...person(8), phone: '+1' }, { ...person(9), email: '' }, person(10)];
    const file = await world.write(csvOf(rows));
    const end = await world.reconcile(file, '--apply', '--yes', '--empty-clears');
    expect({ status: end.status, stderr: end.stderr.split('\n').at(-2) }).toEqual({
      status: 0,
      stderr: 'to be added: 1 create-user, 2 update-user, 0 delete-user',
    });
    expect(end.stdout).toContain('1 create-user, 2 update-user, 0 delete-user added');
    // Live sign-ups go first.
    expect(await world.jobs.getWaitingCount()).toBe(0);
    const data = (await world.jobs.getJobs(['prioritized'])).map((job) => job.data as object);
    const occurredAt = (data[0] as { occurredAt: string }).occurredAt;
    const { clientId, ...profile } = person(10);
    expect(new Set(data)).toEqual(
      new Set([
        { clientId, profile, instance: 'default', occurredAt },
        { clientId: 'c-8', changes: { phone: '+1' }, instance: 'default', occurredAt },
        { clientId: 'c-9', changes: { email: null }, instance: 'default', occurredAt },
      ]),
    );
    await world.startWorker();
    await expect.poll(() => world.events.length).toBe(3);
    expect((await world.reconcile(file, '--empty-clears')).status).toBe(0);
  });

  it('counts from when the list was made: what was asked for since stands', async () => {
    const world = await createReconcileWorld({ startsWorker: true });
    await world.run('create-user', { clientId: 'gone' });
    await world.run('create-user', { clientId: 'moved', profile: { phone: 'old' } });
    const file = await world.write('clientId,phone\ngone,\nmoved,old\n');
    await nextMillisecond();
    await world.run('delete-user', { clientId: 'gone' });
    await world.run('update-user', { clientId: 'moved', changes: { phone: 'new' } });
    await world.run('create-user', { clientId: 'young' });
    const before = await world.mutations();
    const seen = world.events.length;
    const end = await world.reconcile(file, '--apply', '--delete-orphans', '--yes', '--json');
    // Whoever signed up after the list was made is not orphaned.
    expect(told(end).at(-1)?.summary).toMatchObject({
      missing: 1,
      differing: 1,
      orphaned: 0,
      added: { create: 1, update: 1, delete: 0, pending: 0 },
      left: { orphaned: 0, young: 0, duplicated: 0 },
    });
    await expect.poll(() => world.events.slice(seen).map(({ type }) => type)).toHaveLength(2);
    expect(world.events.slice(seen).map(({ type }) => type)).toEqual(['user.superseded', 'user.superseded']);
    expect(await world.mutations()).toBe(before);
  });

  it('deletes no orphan that has signed up since the list was made', async () => {
    const world = await createReconcileWorld({ startsWorker: true });
    const { userId } = (await world.run('create-user', { clientId: 'back' })).data;
    const file = await world.write('clientId\na\n');
    await nextMillisecond();
    await world.run('create-user', { clientId: 'back' });
    const apply = '--apply --delete-orphans --max-deletions 1 --older-than 0s --in 0s --yes --json'.split(
      ' ',
    );
    const lines = told(await world.reconcile(file, ...apply));
    expect(lines).toContainEqual(expect.objectContaining({ kind: 'orphaned', userId }));
    const superseded: unknown = expect.objectContaining({ operation: 'delete-user', by: 'create' });
    await expect
      .poll(() => world.events)
      .toContainEqual(expect.objectContaining({ type: 'user.superseded', data: superseded }));
    expect(await world.requests('delete')).toEqual([]);
  });

  it('leaves the orphaned and the duplicated, and tells so by its status', async () => {
    const world = await createReconcileWorld();
    await world.signUp([{ clientId: 'a' }, { clientId: 'a' }, { clientId: 'orphan' }]);
    const file = await world.write('clientId\na\n');
    const end = await world.reconcile(file, '--apply', '--yes');
    expect(end.status).toBe(1);
    expect(end.stdout).toContain(
      '1 orphaned left (--delete-orphans)\n1 duplicated left: delete all but one by its UserId',
    );
    expect(await world.jobs.getJobCountByTypes('wait', 'delayed')).toBe(0);
  });

  it('has the orphaned deleted in a week where it is told to, once', async () => {
    const world = await createReconcileWorld({ sandbox: { clock: () => Date.now() - 2 * DAY_MS } });
    const ids = await world.signUp([
      { clientId: 'orphan' },
      { clientId: 'twice' },
      { clientId: 'twice' },
      { firstName: 'Nobody' },
    ]);
    await world.signUp([{ clientId: 'a' }]);
    const file = await world.write('clientId\na\n');
    const options = '--apply --delete-orphans --max-deletions 4 --yes --json'.split(' ');
    const apply = () => world.reconcile(file, ...options);
    const first = await apply();
    expect(first.status).toBe(0);
    expect(told(first).at(-1)?.summary).toMatchObject({ added: { delete: 4, pending: 0 } });
    expect(told(await apply()).at(-1)?.summary).toMatchObject({ added: { delete: 0, pending: 4 } });
    const jobs = await world.jobs.getJobs(['delayed']);
    expect(new Set(jobs.map(({ priority }) => priority))).toEqual(new Set([BULK_PRIORITY]));
    expect(jobs.map(({ name, delay }) => [name, Math.round(delay / DAY_MS)])).toEqual(
      Array.from({ length: 4 }, () => ['delete-user', 7]),
    );
    const data = jobs.map((job) => job.data as { userId: string; clientId?: string });
    expect(new Set(data.map(({ userId }) => userId))).toEqual(new Set(ids));
    const clientIds = data.map(({ clientId }) => clientId ?? '');
    expect(clientIds.sort((a, b) => (a < b ? -1 : 1))).toEqual(['', '', 'orphan', 'twice']);
  });

  it('deletes nobody who may have signed up while the list was made', async () => {
    const world = await createReconcileWorld();
    await world.signUp([{ clientId: 'a' }, { clientId: 'young' }]);
    await nextMillisecond();
    const file = await world.write('clientId\na\n');
    const apply = (...args: string[]) =>
      world.reconcile(file, '--apply', '--delete-orphans', '--max-deletions', '1', '--yes', ...args);
    const end = await apply();
    expect(end.status).toBe(1);
    expect(end.stdout).toContain('1 orphaned left: too young (--older-than)');
    expect(await world.jobs.getJobCountByTypes('wait', 'delayed')).toBe(0);
    expect((await apply('--older-than', '0s')).status).toBe(0);
    expect(await world.jobs.getJobCountByTypes('delayed')).toBe(1);
  });

  it('without a terminal and without --yes shows the counts, adds nothing, and exits with 2', async () => {
    const world = await createReconcileWorld();
    const file = await world.write('clientId\na\n');
    const { status, stdout, stderr } = await world.reconcile(file, '--apply');
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain('to be added: 1 create-user, 0 update-user, 0 delete-user');
    expect(stderr).toContain('nothing was added: confirm with --yes');
    expect(await world.jobs.getJobCountByTypes('wait', 'delayed')).toBe(0);
  });
});

describe('a list that is the wrong one', () => {
  const deletions = ['--apply', '--delete-orphans', '--older-than', '0s', '--yes'];
  const added = (world: Awaited<ReturnType<typeof createReconcileWorld>>) =>
    world.jobs.getJobCountByTypes('wait', 'delayed');

  it('has no more than a tenth of the users deleted, unless so many are allowed', async () => {
    const world = await createReconcileWorld();
    await world.signUp(people(0, 10));
    await nextMillisecond();
    const short = await world.write(csvOf(people(0, 8)));
    const { status, stdout, stderr } = await world.reconcile(short, ...deletions);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain('2 users would be deleted, and that is more than a tenth of the 10 at Damoov');
    expect(stderr).toContain('--max-deletions 2');
    expect((await world.reconcile(short, ...deletions, '--max-deletions', '1')).status).toBe(2);
    expect(await added(world)).toBe(0);
    const nearlyAll = await world.write(csvOf(people(0, 9)), 'nearly-all.csv');
    expect((await world.reconcile(nearlyAll, ...deletions)).status).toBe(0);
    expect((await world.reconcile(short, ...deletions, '--max-deletions', '2')).status).toBe(0);
    expect(await added(world)).toBe(2);
  });

  it.each([
    [
      'with an id that a spreadsheet has changed',
      'clientId\nc-0\n1.23457E+16\n',
      'clientId like 4.48E+11: 1 (line 3)',
    ],
    [
      'with the last digits of its ids lost',
      'clientId\nc-0\n1234567890123450\n',
      'clientId with nothing but zeros behind 15 digits: 1 (line 3)',
    ],
    [
      'with an id of another instance changed',
      'clientId,instance\nc-0,\n1E+16,eu\n',
      'clientId like 4.48E+11: 1 (line 3)',
    ],
    [
      'with a row that names nobody',
      'clientId,notes\nc-0,\n,Ada\n',
      'rows without a value in any column that is read: 1 (line 3)',
    ],
  ])('%s has nobody deleted, and nothing is asked of Damoov', async (_, content, why) => {
    const world = await createReconcileWorld();
    const env = await world.withInstances('eu');
    const file = await world.write(content);
    const args = ['reconcile', file, '--map', '*=', ...deletions, '--max-deletions', '9'];
    const { status, stdout, stderr } = await runCommand(args, env);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(`\n--delete-orphans: the list may mean users whose ids it has not`);
    expect(stderr.split('\n').at(-2)).toContain(why);
    expect(await world.requests('login')).toEqual([]);
    expect((await runCommand(['reconcile', file, '--map', '*='], env)).status).toBe(1);
  });

  it('has nobody deleted where nobody in it is known, and adds nobody either', async () => {
    const world = await createReconcileWorld();
    await world.signUp(people(0, 2));
    await nextMillisecond();
    const file = await world.write(csvOf(people(50, 60)));
    const { status, stderr } = await world.reconcile(file, ...deletions);
    expect(status).toBe(2);
    expect(stderr).toContain('nobody in the list is known at Damoov');
    expect(await added(world)).toBe(0);
  });
});

describe('a list in another writing', () => {
  const deletions = ['--apply', '--delete-orphans', '--older-than', '0s', '--yes'];

  async function createWritings() {
    const world = await createReconcileWorld();
    const ids = await world.signUp([
      ...people(0, 20),
      ...['Case@X.com', '00123', 'wide ', 'orphan'].map((clientId) => ({ clientId })),
    ]);
    await nextMillisecond();
    const [renamed] = await world.signUp([{ clientId: 'old' }]);
    await nextMillisecond();
    const alike = [...['case@x.com', '123', 'wide'].map((clientId) => [clientId]), ['new', renamed]];
    const rows = [...people(0, 20).map(({ clientId }) => [clientId]), ...alike];
    const file = await world.write(['clientId,userId', ...rows.map(([a, b = '']) => `${a},${b}`)].join('\n'));
    return { ...world, file, orphans: ids.slice(20) };
  }

  it('is told by the lines that look like users at Damoov', async () => {
    const { reconcile, file, orphans } = await createWritings();
    const { stdout } = await reconcile(file);
    expect(stdout).toContain('\n4 orphaned users look like a row of the list: the same clientId in another');
    expect(stdout).toContain(`\n  ${orphans[0]}  Case@X.com  looks like line 22\n`);
    expect(stdout).toContain(`\n  ${orphans[3]}  orphan\n`);
  });

  it('has nobody deleted for that, but others', async () => {
    const world = await createWritings();
    const { status, stdout, stderr } = await world.reconcile(world.file, ...deletions);
    expect(stderr).toContain('4 orphaned users look like a row of the list');
    expect(stdout).toContain('1 delete-user added\n4 orphaned left: like a row of the list\n');
    expect(status).toBe(1);
    const jobs = await world.jobs.getJobs(['delayed']);
    expect(jobs.map(({ data }) => data as object)).toMatchObject([{ clientId: 'orphan' }]);
  });
});

describe('`reconcile`', () => {
  it('shows the counts, then the first of each kind', async () => {
    const world = await createReconcileWorld();
    const [, orphan] = await world.signUp([person(0), { clientId: 'evil\u001b[2J ' }]);
    const file = await world.write(csvOf([{ ...person(0), lastName: 'X', phone: 'y' }, ...people(1, 4)]));
    const { status, stdout } = await world.reconcile(file, '--show', '2');
    expect(status).toBe(1);
    expect(stdout).toBe(
      [
        'missing     3  in the list, not at Damoov',
        'orphaned    1  at Damoov, not in the list',
        'duplicated  0  in the list, several times at Damoov',
        'differing   1  at Damoov with other values than in the list',
        '4 in the list, 2 at Damoov',
        '',
        'missing',
        '  line 3  c-1',
        '  line 4  c-2',
        '  … 1 more (--show)',
        '',
        'orphaned',
        String.raw`  ${orphan}  "evil\u001b[2J "`,
        '',
        'differing',
        '  line 2  c-0  lastName, phone',
        '',
      ].join('\n'),
    );
  });

  it('prints every difference, and no name, email or phone anywhere', async () => {
    const world = await createReconcileWorld();
    const marks = {
      firstName: 'Marked-First',
      lastName: 'Marked-Last',
      phone: '+49-mark',
      email: 'mark@x.de',
    };
    const other = {
      firstName: 'Marked-Other',
      lastName: 'Marked-Else',
      phone: '+50-mark',
      email: 'mark@y.de',
    };
    await world.signUp([
      { clientId: 'a', ...marks },
      { clientId: 'orphan', ...marks },
    ]);
    const file = await world.write(
      csvOf([
        { clientId: 'a', ...other },
        { clientId: 'b', ...other },
      ]),
    );
    const ends = [
      await world.reconcile(file),
      await world.reconcile(file, '--json'),
      await world.reconcile(file, '--apply', '--yes'),
    ];
    expect(told(await world.reconcile(file, '--json')).map(({ kind }) => kind)).toEqual([
      'differing',
      'missing',
      'orphaned',
      undefined,
    ]);
    const all = ends.map(({ stdout, stderr }) => stdout + stderr).join('\n');
    for (const mark of [...Object.values(marks), ...Object.values(other)]) expect(all).not.toContain(mark);
  });

  it.each([
    [['--plan', '--apply'], "option '--apply' cannot be used with option '--plan'"],
    [['--delete-orphans', '--yes'], '--delete-orphans, --yes: only with --apply'],
    [['--max-deletions', '5'], '--max-deletions: only with --apply'],
    [['--as-of', '2999-01-01T00:00:00Z'], 'must not be in the future'],
    [['--instance', 'mars'], 'known: default'],
    [['--page-size', '0'], 'must be a whole number, 1 to 1000'],
  ])('refuses %j with status 2', async (args, message) => {
    const world = await createReconcileWorld();
    const { status, stdout, stderr } = await world.reconcile(await world.write('clientId\na\n'), ...args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(message);
  });

  it('refuses to have everybody deleted by an empty list', async () => {
    const world = await createReconcileWorld();
    await world.signUp([{ clientId: 'a' }]);
    const file = await world.write('clientId\n');
    const { status, stderr } = await world.reconcile(file, '--apply', '--delete-orphans', '--yes');
    expect(status).toBe(2);
    expect(stderr).toContain('everybody would be deleted');
  });

  it('without a Damoov or an admin says what is needed', async () => {
    const world = await createReconcileWorld();
    const file = await world.write('clientId\na\n');
    const { DAMOOV_ADMIN_EMAIL: _email, DAMOOV_ADMIN_PASSWORD: _password, ...env } = world.env;
    const withoutAdmin = await runCommand(['reconcile', file], env);
    expect(withoutAdmin.stderr).toBe('DAMOOV_ADMIN_EMAIL: is needed, as only an admin may read users\n');
    const { REDIS_URL, QUEUE_PREFIX } = env as { REDIS_URL: string; QUEUE_PREFIX: string };
    const withoutDamoov = await runCommand(['reconcile', file], { REDIS_URL, QUEUE_PREFIX });
    expect(withoutDamoov.stderr).toContain('DAMOOV_ADMIN_PASSWORD: must be set');
    expect([withoutAdmin.status, withoutDamoov.status]).toEqual([2, 2]);
  });

  it('ends with status 1 where Redis goes away meanwhile', async () => {
    const world = await createReconcileWorld();
    const file = await world.write(csvOf(people(0, 10)));
    await world.signUp(people(0, 10));
    const redis = await startTcpProxy(inject('redisUrl'));
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'], shouldAdvanceTime: true });
    onTestFinished(() => void vi.useRealTimers());
    const { url } = await startShiftingPages(world.sandboxUrl, async (page) => {
      if (page !== 3) return;
      await redis.close();
      // That nothing limits the fleet is believed for a second; then each request waits for leave for five.
      vi.advanceTimersByTime(1000);
      const skipping = setInterval(() => vi.advanceTimersByTime(500), 10);
      onTestFinished(() => clearInterval(skipping));
    });
    const env = { ...world.env, DAMOOV_BASE_URL: url, REDIS_URL: redis.url };
    const clock = { now: () => performance.now(), pause: async () => {} };
    const end = await runCommand(['reconcile', file, '--page-size', '1'], env, undefined, { clock });
    expect(end).toEqual({
      status: 1,
      stdout: '',
      stderr: `Redis is away (${new URL(redis.url).host}): the connection was lost\n`,
    });
  });

  it('shares the session of the fleet: a second run logs in no more', async () => {
    const world = await createReconcileWorld();
    const file = await world.write('clientId\na\n');
    await world.reconcile(file);
    await world.reconcile(file);
    expect(await world.requests('login')).toHaveLength(1);
  });
});

/** No room for the users: a list of which more than fingerprints were kept would not fit. */
const SMALL = ['--max-old-space-size=48', '--max-semi-space-size=2'];

describe('fifty thousand users', { tags: ['slow'] }, () => {
  it('are compared in a heap of 48 MB', async () => {
    const count = 50_000;
    const vast = await startVastDamoov(count);
    onTestFinished(() => vast.close());
    const world = await createReconcileWorld();
    const row = (number: number) =>
      `c-${number},First-${number},Last-${number},+44 ${number},mail-${number}@example.com`;
    const rows = Array.from({ length: count - 1 }, (_, at) => row(at));
    const file = await world.write(
      ['clientId,firstName,lastName,phone,email', ...rows, row(count)].join('\n'),
    );
    const args = ['reconcile', file, '--json', '--as-of', '2025-12-01T00:00:00Z'];
    const end = await runProcess(args, { ...world.env, DAMOOV_BASE_URL: vast.url }, SMALL);
    // The one that is not in the list was created after it.
    expect(told(end)).toEqual([
      { kind: 'missing', line: count + 1, clientId: `c-${count}` },
      {
        summary: {
          listed: count,
          atDamoov: count,
          missing: 1,
          orphaned: 0,
          duplicated: 0,
          differing: 0,
          lookalikes: 0,
          otherInstances: 0,
        },
      },
    ]);
  });
});
