import { fc, test as property } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { DamoovError } from '../../../src/damoov/errors.ts';
import { clientIdFormOf } from '../../../src/tools/probe/changes.ts';
import type { SandboxModes } from '../../../src/sandbox/server.ts';
import { SECOND_INSTANCE, clientWith, createProbeWorld, factsUnder } from './probe-world.ts';

const SETTINGS = ['EnableTracking', 'EnableLogging', 'EnableRealTimeLocation', 'Enabled'];

/** What makes a create return no tokens. */
const NO_TOKENS: Partial<Record<string, object>> = { create: { CreateAccessToken: false } };

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
    expect(clientIdFormOf(' AE\u0301 ', kept)).toMatchObject(form);
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
