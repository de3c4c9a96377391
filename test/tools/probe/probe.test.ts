import { randomUUID } from 'node:crypto';
import { fc, test as property } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { DamoovError } from '../../../src/damoov/errors.ts';
import { formOf } from '../../../src/tools/probe/changes.ts';
import { Facts } from '../../../src/tools/probe/facts.ts';
import type { ProbeEnd, ProbeOptions } from '../../../src/tools/probe/probe.ts';
import { assumptionsOf, settingsOf } from '../../../src/tools/probe/judgement.ts';
import { SANDBOX_CREDENTIALS, type SandboxModes } from '../../../src/sandbox/server.ts';
import { type ProbeWorld, SECOND_INSTANCE, createProbeWorld } from './probe-world.ts';

const SETTINGS = ['EnableTracking', 'EnableLogging', 'EnableRealTimeLocation', 'Enabled'];

/** What makes a create return no tokens. */
const NO_TOKENS: Partial<Record<string, object>> = { create: { CreateAccessToken: false } };

/** The facts of a successful probe that left no user behind. */
async function factsUnder(modes: Partial<SandboxModes>, options: Partial<ProbeOptions> = {}): Promise<Facts> {
  const world = await createProbeWorld(modes);
  const { facts, failure, leftovers } = await world.run(options);
  if (failure !== undefined) throw failure;
  expect(leftovers).toMatchObject({ userIds: [], isInDoubt: false });
  expect((await world.users()).filter(({ deletedAt }) => deletedAt === null)).toEqual([]);
  await world.close();
  return Facts.parse(facts);
}

describe('the probe', () => {
  it('describes the default sandbox', async () => {
    expect(await factsUnder({})).toMatchObject({
      customToken: { is: 'honoured' },
      repeatedToken: { is: 'same', seen: expect.stringContaining('its profile is unchanged') },
      deletedToken: { is: 'ghost' },
      tokenCasing: { is: 'lower' },
      findIgnoresCase: { is: 'yes' },
      clientIdForm: { is: 'exact', seen: 'kept unchanged, and found by the given ClientId' },
      duplicateClientId: { is: 'allowed' },
      duplicateContact: { is: 'allowed' },
      nullInProfile: { is: 'clears', seen: 'nickname: reads null, phone: reads null, email: reads null' },
      emptyInProfile: { is: 'kept' },
      nullInClientId: { is: 'clears' },
      inactiveIsWritten: { is: 'Deactivated' },
      statusShown: { is: 'yes' },
      createIgnores: { is: 'later', seen: 'ignored: country, district, city, imageUrl' },
      settingsShown: { is: 'yes' },
      repeatedMove: { is: '200-empty' },
      loginRevokes: { is: 'no' },
      unknownUpdate: { is: '404' },
      unknownDelete: { is: '404' },
      repeatedDelete: { is: '404' },
      badRefresh: { is: '401' },
      instanceTold: { is: 'yes' },
      wrongKey: { is: '401' },
      findLagMs: { create: 0, update: 0, deletion: 0 },
    });
  });

  it.each<[Partial<SandboxModes>, object]>([
    ...(['409', '422', '400', 'second-user'] as const).map((is): [Partial<SandboxModes>, object] => [
      { duplicateToken: is },
      { repeatedToken: { is }, deletedToken: { is } },
    ]),
    [{ ignoreCustomToken: true }, { customToken: { is: 'ignored' }, repeatedToken: { is: 'unknown' } }],
    [{ deletedToken: 'free' }, { deletedToken: { is: 'free' }, repeatedToken: { is: 'same' } }],
    ...(['403', '200-null'] as const).map((is): [Partial<SandboxModes>, object] => [
      { unknownDelete: is },
      { unknownDelete: { is }, repeatedDelete: { is } },
    ]),
    ...(['403', '404', '422', '200-empty'] as const).map((is): [Partial<SandboxModes>, object] => [
      { badKey: is },
      { wrongKey: { is } },
    ]),
    [{ badRefresh: '400' }, { badRefresh: { is: '400' } }],
    [{ badRefresh: '419-envelope' }, { badRefresh: { is: '419' } }],
    [
      { envelopeErrors: true, duplicateToken: '409' },
      {
        repeatedToken: { is: '409', seen: expect.stringContaining('HTTP 200') },
      },
    ],
    [{ tokenCasing: 'upper' }, { customToken: { is: 'honoured' }, tokenCasing: { is: 'upper' } }],
    [{ tokenCasing: 'as-given' }, { customToken: { is: 'honoured' }, tokenCasing: { is: 'as-given' } }],
    ...(['trim', 'nfc', 'lower'] as const).map((is): [Partial<SandboxModes>, object] => [
      { clientIdForm: is },
      { clientIdForm: { is, seen: expect.stringMatching(/, and found by the given ClientId$/) } },
    ]),
    [{ duplicateClientId: '409' }, { duplicateClientId: { is: '409' }, duplicateContact: { is: 'allowed' } }],
    [
      { clearing: { null: 'ignored', empty: 'clears' } },
      {
        nullInProfile: { is: 'ignored' },
        nullInClientId: { is: 'ignored' },
      },
    ],
    [
      { clearing: { null: '422', empty: 'ignored' } },
      {
        nullInProfile: { is: '422' },
        emptyInProfile: { is: 'ignored' },
        inactiveIsWritten: { is: 'Deactivated' },
      },
    ],
    [
      { hiddenFields: ['Status'] },
      {
        statusShown: { is: 'no' },
        inactiveIsWritten: { is: 'Deactivated', seen: 'found only with inactive users afterwards' },
        settingsShown: { is: 'yes' },
      },
    ],
    [
      { hiddenFields: ['EnableTracking'] },
      {
        settingsShown: { is: 'partly', seen: 'not as written: tracking' },
        createIgnores: { is: 'unknown', seen: expect.stringContaining('not shown: tracking') },
        statusShown: { is: 'yes' },
      },
    ],
    [
      { hiddenFields: ['Phone'] },
      { nullInProfile: { is: 'unknown', seen: expect.stringContaining('phone: is never shown') } },
    ],
    [{ hiddenFields: SETTINGS }, { settingsShown: { is: 'no' }, clientIdForm: { is: 'exact' } }],
    [
      { hiddenFields: ['InstanceId'] },
      {
        instanceTold: { is: 'no' },
        repeatedMove: { is: 'unknown', seen: expect.stringContaining('not moved') },
      },
    ],
    [{ createIgnores: [] }, { createIgnores: { is: 'nothing' } }],
    [
      { createIgnores: ['Address', 'EnableTracking', 'City'] },
      {
        createIgnores: { is: 'needed', seen: 'ignored: city, address, tracking' },
        settingsShown: { is: 'yes' },
      },
    ],
    [
      { createIgnores: ['City'], hiddenFields: ['Country'] },
      { createIgnores: { is: 'later', seen: 'ignored: city; not shown: country' } },
    ],
    [
      { createIgnores: ['City'], hiddenFields: ['City'] },
      { createIgnores: { is: 'unknown', seen: 'not shown: city' } },
    ],
    ...(['409', '422', '400', '403'] as const).map((is): [Partial<SandboxModes>, object] => [
      { repeatedMove: is },
      { repeatedMove: { is } },
    ]),
    [
      { loginRevokes: true },
      { loginRevokes: { is: 'yes', seen: 'the earlier access token is refused with 401' } },
    ],
    [
      { loginRevokes: true, ownUser: '403' },
      { loginRevokes: { is: 'yes', seen: 'the earlier refresh token is answered 401' } },
    ],
    [{ ownUser: '403' }, { loginRevokes: { is: 'no' } }],
  ])('under %j sees just that, and leaves nobody', async (modes, seen) => {
    expect(await factsUnder(modes)).toMatchObject(seen);
  });

  it.each([1, 300, 7000])('measures a look-up that lags by %i ms', async (findLagMs) => {
    const facts = await factsUnder({ findLagMs });
    for (const ms of Object.values(facts.findLagMs)) {
      expect(ms).toBeGreaterThanOrEqual(findLagMs);
      // The delay between two look-ups is at most 2 s, and at first a third of the elapsed time.
      expect(ms).toBeLessThanOrEqual(100 + findLagMs * 2);
    }
    expect(facts).toMatchObject({
      deletedToken: { is: 'ghost' },
      nullInProfile: { is: 'clears' },
      statusShown: { is: 'yes' },
      createIgnores: { is: 'later' },
      settingsShown: { is: 'yes' },
      repeatedMove: { is: '200-empty' },
      loginRevokes: { is: 'no' },
    });
  });

  it.each([
    [' AE\u0301 ', { is: 'exact' }],
    ['ae\u0301', { is: 'lower', seen: 'kept in lower case and without blanks at its ends' }],
    ['A\u00c9', { is: 'trim', seen: 'kept without blanks at its ends and in Unicode NFC' }],
    [' AE\u0301', { is: 'unknown' }],
    [' AE ', { is: 'unknown' }],
    [null, { is: 'unknown' }],
  ])('told that a padded, decomposed ClientId is kept as %j, says %j', (kept, form) => {
    expect(formOf(' AE\u0301 ', kept)).toMatchObject(form);
  });

  it('comes to no facts where no look-up shows a new user, and still deletes it', async () => {
    const world = await createProbeWorld({ findLagMs: 3_600_000 });
    const { facts, failure, leftovers } = await world.run({ patienceMs: 5000 });
    expect(facts).toBeUndefined();
    expect(failure?.message).toContain('--patience');
    expect(leftovers).toMatchObject({ userIds: [], isInDoubt: false });
    expect((await world.users()).filter(({ deletedAt }) => deletedAt === null)).toEqual([]);
  });

  it('tries no wrong key unless it is told to', async () => {
    const world = await createProbeWorld();
    const { facts } = await world.run({ triesWrongKey: false });
    expect(facts).toMatchObject({ wrongKey: { is: 'not-tried' } });
    expect((await world.requests()).filter(({ status }) => status === 401)).toMatchObject([
      { operation: 'refresh' },
    ]);
  });

  it('moves no user and logs none in unless it is told to', async () => {
    const world = await createProbeWorld();
    const { facts } = await world.run({ triesLogins: false, secondInstance: undefined });
    expect(facts).toMatchObject({
      loginRevokes: { is: 'not-tried', seen: 'only with --try-logins' },
      repeatedMove: { is: 'not-tried', seen: 'only with --second-instance' },
    });
    const sent = (await world.requests()).map(({ operation }) => operation);
    expect(sent).not.toContain('move');
    expect(sent.filter((operation) => operation === 'login')).toHaveLength(1);
  });

  it.each([
    [{ loginRevokes: true }, 1],
    [{ loginRevokes: false }, 2],
  ])('under %j logs a user in %i times', async (modes, count) => {
    const world = await createProbeWorld(modes);
    await world.run();
    const users = (await world.requests()).filter(
      ({ operation, deviceToken }) => operation === 'login' && deviceToken !== null,
    );
    expect(users).toHaveLength(count);
  });

  it.each([
    [{ loginRevokes: true }, 'yes'],
    [{ loginRevokes: false }, 'no'],
  ] as const)('under %j needs no session of a create to say %s', async (modes, is) => {
    const world = await createProbeWorld(modes);
    const client = clientWith(world.client, {
      request: (request, ...args) =>
        world.client.request(
          { ...request, body: { ...request.body, ...NO_TOKENS[request.operation] } },
          ...args,
        ),
    });
    const { facts } = await world.run({ client });
    expect(facts).toMatchObject({ loginRevokes: { is }, badRefresh: { is: 'unknown' } });
    expect((await world.requests()).filter(({ operation }) => operation === 'login')).toHaveLength(3);
  });

  it('takes no field for ignored that a look-up only shows later than its user', async () => {
    const world = await createProbeWorld();
    const seen = new Set<string>();
    const client = clientWith(world.client, {
      findUsers(query, { onAnswer, ...options } = {}) {
        const { deviceToken = '' } = query;
        const isFirst = !seen.has(deviceToken);
        return world.client.findUsers(query, {
          ...options,
          onAnswer(answer) {
            if (answer.text.includes('"DeviceToken"')) seen.add(deviceToken);
            const text = isFirst
              ? answer.text.replace(/"(Address|Enabled)":[^,}]+/g, '"$1":null')
              : answer.text;
            return onAnswer?.({ ...answer, text });
          },
        });
      },
    });
    expect((await world.run({ client })).facts).toMatchObject({
      createIgnores: { is: 'later', seen: 'ignored: country, district, city, imageUrl' },
      settingsShown: { is: 'yes' },
    });
  });

  it('does not know what logins do where no more are allowed, and keeps the other facts', async () => {
    const loginLimit = { max: 1, windowMs: 60_000, barMs: 3_600_000 };
    expect(await factsUnder({ loginLimit })).toMatchObject({
      loginRevokes: { is: 'unknown', seen: 'logins are barred' },
      repeatedMove: { is: '200-empty' },
    });
  });

  it('does not know what a second move does if no look-up shows the first one, and sends none', async () => {
    const world = await createProbeWorld({ repeatedMove: '409' });
    const { instanceId: id, instanceKey: key } = SANDBOX_CREDENTIALS;
    let moves = 0;
    const client = clientWith(world.client, {
      // Answered with success, and without effect.
      async moveUser(userId, _to, { signal, ...options } = {}) {
        moves += 1;
        return world.client.updateUser(userId, { nickname: 'moved' }, { signal, ...options });
      },
    });
    const { facts, leftovers } = await world.run({ client, instance: { id, key } });
    expect(facts?.repeatedMove).toMatchObject({ is: 'unknown' });
    expect(moves).toBe(1);
    expect(leftovers.userIds).toEqual([]);
  });

  it.each([
    [
      'fails',
      (world: ProbeWorld): Partial<Client> => ({
        findUsers: (_query, options) => world.client.findUsers({ deviceToken: 'no UUID' }, options),
      }),
      'a look-up failed',
    ],
    [
      'is lost',
      (): Partial<Client> => ({
        findUsers: () =>
          Promise.reject(new DamoovError({ kind: 'network', operation: 'find', wasSent: true })),
      }),
      'a look-up failed',
    ],
    [
      'shows nobody',
      (world: ProbeWorld): Partial<Client> => ({
        findUsers: (_query, options) => world.client.findUsers({ deviceToken: randomUUID() }, options),
      }),
      'no look-up showed the user in time',
    ],
  ])(
    'does not know what it would see by a look-up that %s, and keeps the other facts',
    async (_title, faulty, seen) => {
      const world = await createProbeWorld({ loginRevokes: true, repeatedMove: '409' });
      let client: Client = world.client;
      const switched = clientWith(world.client, { findUsers: (...args) => client.findUsers(...args) });
      const onStep = (step: string) => {
        if (step === 'probing fields') client = clientWith(world.client, faulty(world));
        if (step.startsWith('deleting')) client = world.client;
      };
      const { facts, failure, leftovers } = await world.run({ client: switched, onStep });
      expect(failure).toBeUndefined();
      expect(facts).toMatchObject({
        customToken: { is: 'honoured' },
        createIgnores: { is: 'unknown', seen },
        settingsShown: { is: 'unknown', seen },
        repeatedMove: { is: 'unknown', seen },
        loginRevokes: { is: 'unknown', seen },
      });
      expect(leftovers).toMatchObject({ userIds: [], isInDoubt: false });
    },
  );

  property.prop(
    [
      fc.record({
        duplicateToken: fc.constantFrom('same', '409', '422', '400', 'second-user'),
        ignoreCustomToken: fc.boolean(),
        unknownDelete: fc.constantFrom('404', '403', '200-null'),
        badKey: fc.constantFrom('401', '403', '404', '422', '200-empty'),
        badRefresh: fc.constantFrom('401', '400'),
        clearing: fc.record({
          null: fc.constantFrom('clears', 'ignored', '422'),
          empty: fc.constantFrom('kept', 'clears', 'ignored', '422'),
        }),
        tokenCasing: fc.constantFrom('lower', 'upper'),
        clientIdForm: fc.constantFrom('exact', 'trim', 'nfc', 'lower'),
        duplicateClientId: fc.constantFrom('allowed', '409', '422', '400'),
        deletedToken: fc.constantFrom('taken', 'free'),
        findLagMs: fc.constantFrom(0, 500),
        createIgnores: fc.subarray(['Country', 'ExternalImageUrl', 'Gender', ...SETTINGS]),
        hiddenFields: fc.subarray(['Status', ...SETTINGS]),
        repeatedMove: fc.constantFrom('409', '422', '400'),
        loginRevokes: fc.boolean(),
      }) as fc.Arbitrary<Partial<SandboxModes>>,
    ],
    { numRuns: 25 },
  )('any mixture of modes is probed to the facts that it has', async (modes) => {
    const { unknownDelete, badKey, badRefresh, clearing, clientIdForm, duplicateClientId } = modes;
    const { createIgnores = [], hiddenFields = [], repeatedMove, loginRevokes } = modes;
    const shown = SETTINGS.filter((name) => !hiddenFields.includes(name));
    const seenIgnored = createIgnores.filter((name) => !hiddenFields.includes(name));
    const isSettingShown = shown.length === 0 ? 'no' : shown.length < SETTINGS.length ? 'partly' : 'yes';
    expect(await factsUnder(modes)).toMatchObject({
      unknownDelete: { is: unknownDelete },
      wrongKey: { is: badKey },
      badRefresh: { is: badRefresh },
      nullInProfile: { is: clearing?.null },
      emptyInProfile: { is: clearing?.empty },
      clientIdForm: { is: clientIdForm },
      duplicateClientId: { is: duplicateClientId },
      settingsShown: { is: isSettingShown },
      statusShown: { is: hiddenFields.includes('Status') ? 'no' : 'yes' },
      inactiveIsWritten: { is: 'Deactivated' },
      createIgnores: { is: ignoredBy(seenIgnored, shown) },
      repeatedMove: { is: repeatedMove },
      loginRevokes: { is: loginRevokes === true ? 'yes' : 'no' },
      customToken: { is: modes.ignoreCustomToken === true ? 'ignored' : 'honoured' },
    });
  });
});

/** Of the fields that look-ups show. */
function ignoredBy(ignored: readonly string[], shownSettings: readonly string[]): string {
  if (ignored.some((name) => name === 'Gender' || SETTINGS.includes(name))) return 'needed';
  if (shownSettings.length < SETTINGS.length) return 'unknown';
  return ignored.length > 0 ? 'later' : 'nothing';
}

describe('nobody else', () => {
  it('is changed by a probe: all that it changes it has made itself, or is nobody', async () => {
    const world = await createProbeWorld();
    const others = [
      await world.signUp({ FirstName: 'Probe', Phone: '+12025550123' }),
      await world.signUp({ LastName: 'probe-', UserFields: { ClientId: 'probe' } }),
    ];
    const before = await world.users();
    const { leftovers } = await world.run();
    const after = await world.users();
    expect(after.filter(({ deviceToken }) => others.includes(deviceToken))).toEqual(before);
    expect(after.filter(({ deletedAt }) => deletedAt === null)).toEqual(before);
    const changes = (await world.requests()).filter(({ operation }) =>
      ['update', 'delete', 'move'].includes(operation),
    );
    const made = new Set(after.slice(before.length).map(({ deviceToken }) => deviceToken));
    for (const { deviceToken, status } of changes) {
      if (deviceToken === null || !made.has(deviceToken)) expect(status).toBe(404);
    }
    expect(after.length - before.length).toBeLessThan(13);
    expect(leftovers.userIds).toEqual([]);
  });

  it('is there to be met: an instance with more than 50 users is left alone', async () => {
    const world = await createProbeWorld();
    for (let count = 0; count < 51; count += 1) await world.signUp();
    const { failure } = await world.run();
    expect(failure?.message).toContain('the instance has 51 users');
    expect((await world.users()).length).toBe(51);
    expect((await world.run({ mostUsers: 51 })).failure).toBeUndefined();
  });

  it('is there to be met in the second instance', async () => {
    const world = await createProbeWorld();
    for (let count = 0; count < 51; count += 1) await world.signUp({}, SECOND_INSTANCE);
    expect((await world.run()).failure?.message).toContain('the second instance has 51 users');
    expect((await world.users()).length).toBe(51);
    expect((await world.run({ secondInstance: undefined })).failure).toBeUndefined();
  });

  it('can be ruled out where Damoov does not tell how many users there are: then somebody has to say so', async () => {
    const world = await createProbeWorld();
    const page = () =>
      Promise.reject(new DamoovError({ kind: 'not-found', operation: 'page', wasSent: true }));
    const client = clientWith(world.client, { page });
    expect((await world.run({ client })).failure?.message).toContain(
      'the number of users in the instance is unknown',
    );
    expect(await world.users()).toEqual([]);
    expect((await world.run({ client, mostUsers: 0 })).failure).toBeUndefined();
  });
});

type Client = ProbeOptions['client'];

function clientWith(client: Client, own: Partial<Client>): Client {
  return {
    request: (...args) => client.request(...args),
    updateUser: (...args) => client.updateUser(...args),
    deleteUser: (...args) => client.deleteUser(...args),
    moveUser: (...args) => client.moveUser(...args),
    loginUser: (...args) => client.loginUser(...args),
    findUsers: (...args) => client.findUsers(...args),
    page: (...args) => client.page(...args),
    ...own,
  };
}

/** Called before each request. */
function counting(client: Client, onCall: () => void): Client {
  const told =
    <Args extends unknown[], T>(call: (...args: Args) => Promise<T>) =>
    (...args: Args): Promise<T> => {
      const answer = call(...args);
      onCall();
      return answer;
    };
  return clientWith(client, {
    request: told((...args) => client.request(...args)),
    updateUser: told((...args) => client.updateUser(...args)),
    deleteUser: told((...args) => client.deleteUser(...args)),
    moveUser: told((...args) => client.moveUser(...args)),
    loginUser: told((...args) => client.loginUser(...args)),
    findUsers: told((...args) => client.findUsers(...args)),
  });
}

describe('a probe that does not come to its end', () => {
  it.each([{}, { ignoreCustomToken: true }])(
    'under %j leaves nobody behind, whichever request it was stopped in',
    async (modes) => {
      for (let at = 1; ; at += 1) {
        const world = await createProbeWorld(modes);
        const stop = new AbortController();
        let calls = 0;
        const client = counting(world.client, () => {
          calls += 1;
          if (calls === at) stop.abort(new Error('stopped by SIGINT'));
        });
        const end: ProbeEnd = await world.run({ client, signal: stop.signal });
        const left = (await world.users()).filter(({ deletedAt }) => deletedAt === null);
        expect({ at, left }).toEqual({ at, left: [] });
        await world.close();
        if (end.facts !== undefined) break;
        expect(end.failure?.message).toBe('stopped by SIGINT');
        expect(end.leftovers.userIds).toEqual([]);
      }
    },
  );

  it('names those whom it could not delete', async () => {
    const world = await createProbeWorld();
    const deleteUser = () =>
      Promise.reject(new DamoovError({ kind: 'network', operation: 'delete', wasSent: true }));
    const { failure, leftovers } = await world.run({ client: clientWith(world.client, { deleteUser }) });
    expect(failure?.message).toContain('failed on the network');
    expect(leftovers.userIds).toEqual((await world.users()).map(({ deviceToken }) => deviceToken));
    expect(leftovers.userIds).toHaveLength(1);
  });

  it('names users whose deletion no look-up could confirm', async () => {
    const world = await createProbeWorld();
    const fails = (operation: 'find' | 'update') =>
      Promise.reject(new DamoovError({ kind: 'network', operation, wasSent: true }));
    let isLost = false;
    const client = clientWith(world.client, {
      updateUser() {
        isLost = true;
        return fails('update');
      },
      findUsers: (...args) => (isLost ? fails('find') : world.client.findUsers(...args)),
    });
    const { failure, leftovers } = await world.run({ client });
    expect(failure?.message).toContain('failed on the network');
    const made = (await world.users()).map(({ deviceToken }) => deviceToken);
    expect(new Set(leftovers.userIds)).toEqual(new Set(made));
    // Those under an id that was chosen here were deleted all the same; of the others nothing proves whose they are.
    const [first] = await world.users();
    expect(first).toMatchObject({ deletedAt: expect.any(String) });
  });

  it('names a moved user that it can neither see nor delete in the second instance', async () => {
    const world = await createProbeWorld();
    const moved = new Set<string>();
    const client = clientWith(world.client, {
      async moveUser(userId, ...args) {
        const answer = await world.client.moveUser(userId, ...args);
        moved.add(userId);
        return answer;
      },
      deleteUser: (userId, ...args) =>
        world.client.deleteUser(moved.has(userId) ? randomUUID() : userId, ...args),
      findUsers(query, options) {
        const isHidden =
          moved.has(query.deviceToken ?? '') || (moved.size > 0 && query.lastName !== undefined);
        return world.client.findUsers(isHidden ? { deviceToken: randomUUID() } : query, options);
      },
    });
    const { facts, leftovers } = await world.run({ client, patienceMs: 5000 });
    expect(facts?.repeatedMove).toMatchObject({ is: 'unknown' });
    expect(leftovers.userIds).toEqual([...moved]);
  });

  it('names all that it has made where the cleaning up is stopped as well', async () => {
    const world = await createProbeWorld();
    const stop = AbortSignal.abort(new Error('the clean-up was stopped by SIGINT'));
    const { facts, failure, leftovers } = await world.run({ cleanUpSignal: stop });
    expect(facts).toBeDefined();
    expect(failure?.message).toBe('the clean-up was stopped by SIGINT');
    const left = (await world.users()).filter(({ deletedAt }) => deletedAt === null);
    expect(left.length).toBeGreaterThan(2);
    expect(leftovers.userIds).toEqual(expect.arrayContaining(left.map(({ deviceToken }) => deviceToken)));
    expect(leftovers.isInDoubt).toBe(true);
  });
});

describe('the verdict', () => {
  it('says that everything holds but what the sandbox does on purpose', async () => {
    const failing = assumptionsOf(await factsUnder({})).filter(({ holds }) => holds !== true);
    expect(failing.map(({ assumption }) => assumption)).toEqual([
      'the id of a deleted user is free, or refused as a conflict',
    ]);
  });

  it('chooses who chooses the UserId', async () => {
    expect(settingsOf(await factsUnder({}))).toMatchObject([
      { variable: 'DAMOOV_USER_ID', value: 'derived' },
    ]);
    expect(settingsOf(await factsUnder({ ignoreCustomToken: true }))).toMatchObject([{ value: 'assigned' }]);
  });

  it('warns of a Damoov that makes clientIds one, and not of one that only changes what no job may name', async () => {
    const ofForm = async (clientIdForm: SandboxModes['clientIdForm']) =>
      assumptionsOf(await factsUnder({ clientIdForm })).find(({ assumption }) =>
        assumption.startsWith('a ClientId'),
      );
    expect(await ofForm('lower')).toMatchObject({ holds: false });
    expect(await ofForm('trim')).toMatchObject({ holds: true });
  });

  it('says what a worker may lose, and what follows from what it cannot see', async () => {
    const modes = {
      createIgnores: ['Gender'],
      hiddenFields: ['Enabled'],
      repeatedMove: '403',
      loginRevokes: true,
    } as const satisfies Partial<SandboxModes>;
    const failing = assumptionsOf(await factsUnder({ deletedToken: 'free', ...modes })).filter(
      ({ holds }) => holds !== true,
    );
    expect(failing).toMatchObject([
      { assumption: 'a create takes every field that a worker sends with it', holds: false },
      { assumption: 'a login of an account leaves its earlier sessions valid', holds: false },
      { assumption: 'a look-up shows settings and status as they were written', holds: false },
      {
        assumption: 'a move that is sent again succeeds, or is refused with 400, 404, 409 or 422',
        holds: false,
      },
    ]);
    expect(failing[0]?.otherwise).toContain('ignored: gender');
    const refused = assumptionsOf(await factsUnder({ repeatedMove: '409' }));
    expect(refused.find(({ assumption }) => assumption.startsWith('a move'))?.holds).toBe(true);
  });

  it('says what producers can do if null clears nothing', async () => {
    const facts = await factsUnder({ clearing: { null: 'ignored', empty: 'clears' } });
    expect(assumptionsOf(facts)).toContainEqual({
      assumption: 'null in an update clears a field',
      holds: false,
      otherwise: 'an update with null changes nothing; producers can send "" instead',
    });
  });
});
