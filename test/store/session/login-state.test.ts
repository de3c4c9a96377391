import { describe, expect, it } from 'vitest';
import { changesIn } from '../../../src/redis/change.ts';
import { type LoginStep, loginDecision } from '../../../src/store/session/login-state.ts';
import { createSessionWorld } from './session-world.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** How long a login may take to arrive: a grant counts as much longer. */
const LATE_MS = 10_000;
const NOTHING = { grantAges: new Map<string, number>(), barredForMs: 0, refusedAgoMs: Infinity };

/** The logins of a fleet, by a clock that the test sets. */
function createWorld(perHour = 10) {
  const { prefix, redis } = createSessionWorld();
  const keys = {
    grants: `${prefix}:logins`,
    refused: `${prefix}:logins:refused`,
    revoked: `${prefix}:logins:revoked`,
    barred: `${prefix}:logins:barred`,
  };
  const change = changesIn(redis);
  const world = {
    now: 1e12,
    redis,
    keys,
    ask: (
      act: LoginStep['act'],
      name = '',
      { known, ...more }: Omit<Partial<LoginStep>, 'known'> & { known?: Partial<LoginStep['known']> } = {},
    ) =>
      change((seen) =>
        loginDecision(seen, keys, {
          act,
          name,
          fingerprint: 'f',
          perHour,
          clockMs: world.now,
          ...more,
          known: { ...NOTHING, ...known },
        }),
      ),
    async take(...names: string[]) {
      const waits = [];
      for (const name of names) waits.push((await world.ask('take', name)).waitMs);
      return waits;
    },
    left: async () => (await world.ask('look')).left,
  };
  return world;
}

describe('a login', () => {
  it('is granted while the minute and the hour have room, and counts a while longer', async () => {
    const world = createWorld();
    expect(await world.take('a', 'b', 'c', 'd', 'e')).toEqual([0, 0, 0, 0, MINUTE_MS + LATE_MS]);
    expect(await world.left()).toBe(6);
    world.now += MINUTE_MS + LATE_MS - 1;
    expect(await world.take('e')).toEqual([1]);
    world.now += 1;
    expect(await world.take('e', 'f', 'g', 'h')).toEqual([0, 0, 0, 0]);
    expect(await world.left()).toBe(2);
    world.now += HOUR_MS - MINUTE_MS - 1;
    expect(await world.left()).toBe(2);
    world.now += 1;
    expect(await world.left()).toBe(6);
  });

  it('waits until the hour has room, or for ever anew if there is no budget', async () => {
    const world = createWorld(2);
    expect(await world.take('a', 'b')).toEqual([0, 0]);
    world.now += 5;
    expect(await world.take('c')).toEqual([HOUR_MS + LATE_MS - 5]);
    expect(await world.left()).toBe(0);
    expect(await createWorld(0).take('a')).toEqual([HOUR_MS + LATE_MS]);
  });

  it('that is asked for twice, as the reply was lost, counts once, and one that is given back not at all', async () => {
    const world = createWorld();
    await world.take('a', 'a');
    expect(await world.left()).toBe(9);
    expect(await createWorld().take('a', 'b', 'c', 'd', 'd')).toEqual([0, 0, 0, 0, 0]);
    const { left, waitMs } = await world.ask('give-back', 'a');
    expect([left, waitMs, await world.left()]).toEqual([10, 0, 10]);
  });

  it('that this process knows counts, with the age that it tells', async () => {
    const world = createWorld();
    const known = { grantAges: new Map([['a', 1000.5]]) };
    expect((await world.ask('look', '', { known })).grantAges).toEqual(new Map([['a', 1000]]));
    world.now += 500;
    expect(await world.ask('take', 'b')).toMatchObject({ left: 8, grantAges: new Map([['a', 1500]]) });
    expect((await world.ask('look')).grantAges).toEqual(
      new Map([
        ['a', 1500],
        ['b', 0],
      ]),
    );
    // What Redis says is right.
    expect((await world.ask('look', '', { known })).grantAges.get('a')).toBe(1500);
  });

  it('waits no longer than the hour where the clock is set back', async () => {
    const world = createWorld(1);
    await world.take('a');
    world.now -= 24 * HOUR_MS;
    expect(await world.take('b')).toEqual([HOUR_MS + LATE_MS]);
    world.now += 1000;
    expect(await world.take('b')).toEqual([HOUR_MS + LATE_MS - 1000]);
  });

  it('is counted by the clock of Redis, if by no other', async () => {
    const world = createWorld();
    const before = Date.now();
    await world.ask('take', 'a', { clockMs: undefined });
    const at = Number(await world.redis.zscore(world.keys.grants, 'a'));
    expect(at).toBeGreaterThan(before - 60_000);
    expect(Number.isInteger(at)).toBe(true);
  });

  it('leaves nothing in Redis for ever, and a look leaves nothing', async () => {
    const world = createWorld();
    await world.ask('look');
    expect(await world.redis.keys(`${world.keys.grants}*`)).toEqual([]);
    await world.ask('take', 'a');
    await world.ask('revoked', 's', { known: { refusedAgoMs: 0, barredForMs: 5000 } });
    const ttls = await Promise.all(Object.values(world.keys).map((key) => world.redis.pttl(key)));
    for (const [at, most] of [HOUR_MS + LATE_MS, HOUR_MS, HOUR_MS, 5000].entries()) {
      expect(ttls[at]).toBeGreaterThan(most - 4000);
      expect(ttls[at]).toBeLessThanOrEqual(most);
    }
  });
});

describe('refused credentials', () => {
  const refusedAgo = (refusedAgoMs: number) => ({ known: { refusedAgoMs } });

  it('leave the last login of the hour to others, for an hour', async () => {
    const world = createWorld();
    expect(await world.ask('refused', '', refusedAgo(1000.5))).toMatchObject({ left: 9 });
    expect(await world.ask('look', '', { fingerprint: 'corrected' })).toMatchObject({ left: 10 });
    world.now += HOUR_MS - 1001;
    expect(await world.left()).toBe(9);
    world.now += 1;
    expect(await world.left()).toBe(10);
  });

  it('have been refused when they were last', async () => {
    const world = createWorld();
    for (const ms of [2000, 1000, 3000]) await world.ask('refused', '', refusedAgo(ms));
    expect(Number(await world.redis.zscore(world.keys.refused, 'f'))).toBe(world.now - 1000);
  });

  it('may use the only login there is, and are forgotten after an hour', async () => {
    expect(await createWorld(1).ask('refused', '', refusedAgo(0))).toMatchObject({ left: 1, waitMs: 0 });
    expect(await createWorld(2).ask('refused', '', refusedAgo(0))).toMatchObject({ left: 1 });
    expect(await createWorld().ask('look', '', refusedAgo(HOUR_MS))).toMatchObject({ left: 10 });
  });
});

describe('a bar', () => {
  const barredFor = (barredForMs: number) => ({ known: { barredForMs } });

  it('lets no process log in until it ends', async () => {
    const world = createWorld();
    expect(await world.ask('look', '', barredFor(4999.5))).toMatchObject({ waitMs: 5000, barredForMs: 5000 });
    expect(await world.take('a')).toEqual([5000]);
    expect(await world.left()).toBe(10);
    world.now += 5000;
    expect(await world.ask('take', 'a')).toMatchObject({ waitMs: 0, barredForMs: 0 });
  });

  it('ends when the longest that is known does', async () => {
    const world = createWorld();
    await world.ask('look', '', barredFor(5000));
    expect(await world.ask('look', '', barredFor(2000))).toMatchObject({ barredForMs: 5000 });
    expect(await world.ask('look')).toMatchObject({ barredForMs: 5000 });
    expect(await world.ask('look', '', barredFor(7000))).toMatchObject({ barredForMs: 7000 });
    expect(await world.ask('look')).toMatchObject({ barredForMs: 7000 });
  });
});

it('revoked sessions are counted once each, within the hour', async () => {
  const world = createWorld();
  const counts = [];
  for (const name of ['s-1', 's-1', 's-2']) {
    counts.push((await world.ask('revoked', name)).revoked);
    world.now += 1000;
  }
  expect(counts).toEqual([1, 1, 2]);
  world.now += HOUR_MS - 3001;
  expect((await world.ask('look')).revoked).toBe(2);
  world.now += 1;
  expect((await world.ask('look')).revoked).toBe(1);
});
