/**
 * What callers of the published library may say of Redis and of time. Refuses what cannot be meant; opens nothing.
 */
import type { RedisTarget } from './connection.ts';

/**
 * What is wrong with a prefix without a hash tag in braces, which a single Redis takes all the same; undefined where it has one.
 * @param name of the option or variable.
 */
export function prefixWarning(name: string, prefix: string): string | undefined {
  if (/^[^{]*\{[^}]+\}/.test(prefix)) return undefined;
  return (
    `${name} has no name in braces, as in {damoov}: a Redis Cluster would refuse it, and whoever adds jobs or reads events under the name ` +
    'with braces uses other queues'
  );
}

/**
 * Refuses what is no span of time: Node's timers take it for a millisecond.
 * @throws TypeError
 */
export function requireMs(name: string, ms: number): void {
  if (ms === Infinity || (typeof ms === 'number' && ms >= 0 && ms < 2 ** 31)) return;
  throw new TypeError(`${name}: must be a number of milliseconds up to ${2 ** 31 - 1}, or Infinity`);
}

/**
 * Where Redis is: a URL, or a target.
 * @throws TypeError, without what was given: it may hold a password.
 */
export function targetOf(redis: string | RedisTarget): RedisTarget {
  if (typeof redis === 'object' && redis !== null && 'kind' in redis) return redis;
  if (typeof redis === 'string' && /^rediss?:\/\//.test(redis)) {
    const fault = redisUrlFault(redis);
    if (fault !== undefined) throw new TypeError(`redis: ${fault}`);
    return { kind: 'url', url: redis };
  }
  throw new TypeError('redis: must be a redis:// or rediss:// URL, or a cluster or Sentinel by its nodes');
}

/** What keeps a redis:// URL from meaning one Redis; it repeats nothing of the URL, which may hold a password. */
export function redisUrlFault(text: string): string | undefined {
  const url = URL.parse(text);
  if (url === null || url.hostname === '' || !/^\/?\d{0,4}$/.test(url.pathname)) {
    return 'must name a host, and a number where it names a database';
  }
  if (`${url.search}${url.hash}` !== '' || !isDecodable(url.username) || !isDecodable(url.password)) {
    return 'must have no ? and no #, and each special character of a user or password percent-encoded: %23 for #, %3F for ?, %25 for %';
  }
  return undefined;
}

function isDecodable(text: string): boolean {
  try {
    return decodeURIComponent(text) !== undefined;
  } catch {
    return false;
  }
}
