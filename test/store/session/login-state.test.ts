import { describe, expect, it } from 'vitest';
import { Seen } from '../../../src/redis/change.ts';
import { GRANT_MS, HOUR_MS, type LoginStep, loginDecision } from '../../../src/store/session/login-state.ts';

const NOW = 1_800_000_000_000;
const keys = { grants: 'grants', refused: 'refused', revoked: 'revoked', barred: 'barred' };

type Stored = Partial<Record<'grants' | 'refused' | 'revoked', Record<string, number>>> & { barred?: number };

function decide(stored: Stored, step: Partial<Omit<LoginStep, 'known'>> & Partial<LoginStep['known']>) {
  const { grantAges = new Map(), barredForMs = 0, refusedAgoMs = Infinity, ...others } = step;
  const sets = (['grants', 'refused', 'revoked'] as const).map((set): [string, unknown] => [
    JSON.stringify(['ZRANGE', set, 0, -1, 'WITHSCORES']),
    Object.entries(stored[set] ?? {}).flatMap(([name, at]) => [name, String(at)]),
  ]);
  const barred: [string, unknown] = [JSON.stringify(['GET', 'barred']), stored.barred?.toString()];
  const seen = new Seen(NOW, new Map([...sets, barred]));
  const { answer, writes } = loginDecision(seen, keys, {
    act: 'look',
    name: 'mine',
    fingerprint: 'f',
    perHour: 4,
    known: { grantAges, barredForMs, refusedAgoMs },
    ...others,
  });
  expect(seen.missing).toBeUndefined();
  return { ...answer, writes };
}

/** As many grants, long ago but within the hour. */
const granted = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`g-${n}`, NOW - HOUR_MS + n]));

describe('a look', () => {
  it('changes nothing where Redis has all that the process knows', () => {
    const known = { grantAges: new Map([['a', 500]]), barredForMs: 700, refusedAgoMs: 500 };
    const stored = { grants: { a: NOW - 500 }, refused: { f: NOW - 500 }, barred: NOW + 700 };
    expect(decide(stored, known).writes).toEqual([]);
  });

  it('adds what only the process knows, and shortens no bar', () => {
    expect(
      decide({ barred: NOW + 900 }, { grantAges: new Map([['a', 500]]), barredForMs: 100 }),
    ).toMatchObject({
      barredForMs: 900,
      grantAges: new Map([['a', 500]]),
      writes: [
        ['ZADD', 'grants', NOW - 500, 'a'],
        ['PEXPIRE', 'grants', GRANT_MS],
      ],
    });
    expect(decide({ barred: NOW + 100 }, { barredForMs: 900 }).writes).toEqual([
      ['SET', 'barred', NOW + 900, 'PX', 900],
    ]);
  });

  it('forgets what is older than it counts', () => {
    const old = { a: NOW - HOUR_MS, b: NOW - HOUR_MS + 1 };
    const grants = { a: NOW - GRANT_MS, b: NOW - GRANT_MS + 1 };
    expect(decide({ grants, refused: old, revoked: old }, {})).toMatchObject({
      left: 3,
      revoked: 1,
      writes: [
        ['ZREM', 'grants', 'a'],
        ['ZREM', 'refused', 'a'],
        ['ZREM', 'revoked', 'a'],
      ],
    });
  });

  it('leaves other grants alone, of whatever name', () => {
    expect(decide({ grants: { mine: NOW - 1 } }, {}).writes).toEqual([]);
    expect(decide({ revoked: {} }, {}).revoked).toBe(0);
  });
});

describe('refused credentials', () => {
  it('count for less than an hour, by their last refusal', () => {
    expect(decide({}, { refusedAgoMs: HOUR_MS }).writes).toEqual([]);
    expect(decide({}, { refusedAgoMs: HOUR_MS - 1 }).writes).toContainEqual([
      'ZADD',
      'refused',
      NOW - HOUR_MS + 1,
      'f',
    ]);
    expect(decide({ refused: { f: NOW - 10 } }, { refusedAgoMs: 500 }).writes).toEqual([]);
  });

  it('leave the last login of the hour to others, but not the only one', () => {
    const refused = { f: NOW - 10 };
    expect(decide({ refused }, {}).left).toBe(3);
    expect(decide({ refused: { other: NOW } }, {}).left).toBe(4);
    expect(decide({ refused }, { act: 'take', perHour: 1 })).toMatchObject({ waitMs: 0, left: 0 });
    expect(decide({ refused, grants: granted(3) }, { act: 'take' }).waitMs).toBe(GRANT_MS - HOUR_MS);
  });
});

describe('a take', () => {
  it('is granted while the hour has room, and waits for the oldest that counts', () => {
    expect(decide({ grants: granted(3) }, { act: 'take' })).toMatchObject({ waitMs: 0, left: 0 });
    expect(decide({ grants: granted(4) }, { act: 'take' })).toMatchObject({
      waitMs: GRANT_MS - HOUR_MS,
      writes: [],
    });
    expect(decide({ grants: granted(5) }, { act: 'take' }).waitMs).toBe(GRANT_MS - HOUR_MS + 1);
  });

  it('without a budget waits for as long as a grant counts', () => {
    expect(decide({}, { act: 'take', perHour: 0 }).waitMs).toBe(GRANT_MS);
  });

  it('that is repeated takes the place of the first', () => {
    const grants = { mine: NOW - 5, other: NOW - 7 };
    expect(decide({ grants }, { act: 'take' })).toMatchObject({
      waitMs: 0,
      left: 2,
      grantAges: new Map([['other', 7]]),
      writes: [
        ['ZADD', 'grants', NOW, 'mine'],
        ['PEXPIRE', 'grants', GRANT_MS],
      ],
    });
    expect(decide({ grants }, { act: 'give-back' }).writes).toEqual([['ZREM', 'grants', 'mine']]);
  });
});

it('a session that was revoked twice counts from the first time', () => {
  expect(decide({}, { act: 'revoked' })).toMatchObject({
    revoked: 1,
    writes: [['ZADD', 'revoked', NOW, 'mine'], expect.anything()],
  });
  expect(decide({ revoked: { mine: NOW - 5 } }, { act: 'revoked' })).toMatchObject({
    revoked: 1,
    writes: [],
  });
});

it('a clock that was set back makes no login wait longer than the hour', () => {
  expect(decide({ grants: { ahead: NOW + HOUR_MS } }, {}).writes).toContainEqual([
    'ZADD',
    'grants',
    NOW,
    'ahead',
  ]);
});
