/**
 * The logins of a fleet as Redis has them, and what one step changes in them. What a crash of Redis has lost is added again by the
 * processes that remember it.
 */
import type { Command, Decision, Seen } from '../../redis/change.ts';

export interface LoginKeys {
  /** Sorted sets, by when: logins granted, credentials refused, sessions of these credentials revoked. */
  grants: string;
  refused: string;
  revoked: string;
  /** Until when no process logs in. */
  barred: string;
}

export interface LoginStep {
  act: 'take' | 'give-back' | 'refused' | 'revoked' | 'look';
  /** Of the grant or of the revocation. */
  name: string;
  /** Of the credentials. */
  fingerprint: string;
  perHour: number;
  /** What the caller remembers. All ages in milliseconds. */
  known: { grantAges: ReadonlyMap<string, number>; barredForMs: number; refusedAgoMs: number };
  /** Epoch milliseconds. Default: by Redis' clock. */
  clockMs?: number | undefined;
}

export interface LoginAnswer {
  /** Until a login is granted; 0 = now. */
  waitMs: number;
  /** Logins left in this hour for these credentials. */
  left: number;
  barredForMs: number;
  /** Number of sessions revoked within the hour. */
  revoked: number;
  grantAges: Times;
}

/** By name; epoch milliseconds in Redis. */
type Times = Map<string, number>;

const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
/** A later grant is void: its login would fall into a later minute than the one it was counted in. */
export const ANSWER_WITHIN_MS = 5_000;
/** Maximum time between counting a login and its arrival at Damoov: the answer of Redis, then 5 s to the first byte. */
const LATE_MS = ANSWER_WITHIN_MS + 5_000;
/** How long a grant counts. */
export const GRANT_MS = HOUR_MS + LATE_MS;
/** One below the documented 5 a minute, even with a larger hourly budget. */
const LOGINS_PER_MINUTE = 4;

/** Carried out twice (a reply was lost), it answers as if it had been carried out once. */
export function loginDecision(seen: Seen, keys: LoginKeys, step: LoginStep): Decision<LoginAnswer> {
  const { act, name, fingerprint, perHour, known } = step;
  const now = Math.floor(step.clockMs ?? seen.now);
  const read = (key: string) => timesIn(seen.list('ZRANGE', key, 0, -1, 'WITHSCORES'));
  const before = { grants: read(keys.grants), refused: read(keys.refused), revoked: read(keys.revoked) };
  const barredBefore = Number(seen.text('GET', keys.barred) ?? 0);

  const grants = new Map([...agesAsTimes(known.grantAges, now), ...before.grants]);
  const refused = new Map(before.refused);
  const revoked = new Map(before.revoked);
  const barredUntil = Math.max(barredBefore, now + Math.ceil(known.barredForMs));
  // A grant that is taken again was never answered: no login came of it.
  if (act === 'take' || act === 'give-back') grants.delete(name);
  if (act === 'revoked' && !revoked.has(name)) revoked.set(name, now);
  if (known.refusedAgoMs < HOUR_MS)
    refused.set(fingerprint, Math.max(refused.get(fingerprint) ?? 0, now - Math.floor(known.refusedAgoMs)));
  forgetBefore(now - GRANT_MS, grants);
  forgetBefore(now - HOUR_MS, refused, revoked);
  // A clock that was set back: no login waits longer than the hour.
  for (const [grant, at] of grants) grants.set(grant, Math.min(at, now));

  const times = [...grants.values()].toSorted((a, b) => a - b);
  // Credentials that do not work leave the last login of the hour to others: to those that will correct them.
  const limit = refused.has(fingerprint) && perHour > 1 ? perHour - 1 : perHour;
  const freeAt = Math.max(
    now,
    barredUntil,
    freeFrom(times, limit, now, GRANT_MS),
    freeFrom(times, LOGINS_PER_MINUTE, now, MINUTE_MS + LATE_MS),
  );
  const grantAges = new Map([...grants].map(([grant, at]) => [grant, now - at]));
  if (act === 'take' && freeAt <= now) grants.set(name, now);
  return {
    answer: {
      waitMs: freeAt - now,
      left: Math.max(0, limit - grants.size),
      barredForMs: Math.max(0, barredUntil - now),
      revoked: revoked.size,
      grantAges,
    },
    writes: [
      ...changesOf(keys.grants, before.grants, grants, GRANT_MS),
      ...changesOf(keys.refused, before.refused, refused, HOUR_MS),
      ...changesOf(keys.revoked, before.revoked, revoked, HOUR_MS),
      ...(barredUntil > Math.max(barredBefore, now)
        ? [['SET', keys.barred, barredUntil, 'PX', barredUntil - now] as const]
        : []),
    ],
  };
}

/** When a window has room again: once the grant that fills it, counted from the latest, has left it. */
function freeFrom(times: readonly number[], limit: number, now: number, windowMs: number): number {
  if (limit < 1) return now + windowMs;
  const filling = times.at(-limit);
  return filling === undefined ? now : filling + windowMs;
}

function agesAsTimes(ages: ReadonlyMap<string, number>, now: number): Times {
  return new Map([...ages].map(([name, agoMs]) => [name, now - Math.floor(agoMs)]));
}

function forgetBefore(oldest: number, ...all: Times[]): void {
  for (const times of all) for (const [name, at] of times) if (at <= oldest) times.delete(name);
}

function timesIn(flat: readonly (string | undefined)[]): Times {
  const times: Times = new Map();
  for (let i = 0; i < flat.length; i += 2) times.set(String(flat[i]), Number(flat[i + 1]));
  return times;
}

/** A sorted set from one state to the other. */
function changesOf(key: string, before: Times, after: Times, keepMs: number): Command[] {
  const gone = [...before.keys()].filter((name) => !after.has(name));
  const changed = [...after].filter(([name, at]) => before.get(name) !== at);
  return [
    ...(gone.length > 0 ? [['ZREM', key, ...gone] as const] : []),
    ...(changed.length > 0
      ? [
          ['ZADD', key, ...changed.flatMap(([name, at]) => [at, name])] as const,
          ['PEXPIRE', key, keepMs] as const,
        ]
      : []),
  ];
}
