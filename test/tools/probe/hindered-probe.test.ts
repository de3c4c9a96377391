import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { DamoovError } from '../../../src/damoov/errors.ts';
import type { ProbeEnd } from '../../../src/tools/probe/probe.ts';
import { SANDBOX_CREDENTIALS } from '../../../src/sandbox/server.ts';
import { type Client, type ProbeWorld, clientWith, createProbeWorld, factsUnder } from './probe-world.ts';

describe('the probe', () => {
  it('comes to no facts where no look-up shows a new user, and still deletes it', async () => {
    const world = await createProbeWorld({ findLagMs: 3_600_000 });
    const { facts, failure, leftovers } = await world.run({ patienceMs: 5000 });
    expect(facts).toBeUndefined();
    expect(failure?.message).toContain('--patience');
    expect(leftovers).toMatchObject({ userIds: [], isInDoubt: false });
    expect((await world.users()).filter(({ deletedAt }) => deletedAt === null)).toEqual([]);
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
});

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
