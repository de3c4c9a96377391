/**
 * The library's options for Redis and the queues. Validates them; opens nothing.
 */
import type { Telemetry } from 'bullmq';
import { z } from 'zod';
import { Text, faultsIn, objectWith, wholeNumber } from '../damoov/checked-options.ts';
import type { RedisTarget } from './connection.ts';

/**
 * The warning for a prefix without a hash tag in braces, which a single Redis accepts; undefined if it has one.
 * @param name of the option or variable.
 */
export function prefixWarning(name: string, prefix: string): string | undefined {
  if (/^[^{]*\{[^}]+\}/.test(prefix)) return undefined;
  return (
    `${name} has no name in braces, as in {damoov}: a Redis Cluster would refuse it, and clients that use the name ` +
    'with braces use other queues'
  );
}

/** Emits it as a process warning. */
export function warnOfPrefix(prefix: string): void {
  const warning = prefixWarning('prefix', prefix);
  if (warning !== undefined) process.emitWarning(warning);
}

export const Prefix = Text.default('{damoov}');
export const QueueName = Text.refine((name) => !name.includes(':'), 'must not contain a colon');
export const TelemetryOption = objectWith<Telemetry>('tracer', 'contextManager').optional();

const NO_PLACE = 'must be a redis:// or rediss:// URL, or a cluster or Sentinel by its nodes';
const RedisUrl = z
  .string(NO_PLACE)
  .regex(/^rediss?:\/\//, { error: NO_PLACE, abort: true })
  .check(({ value, issues }) => {
    const message = redisUrlFault(value);
    if (message !== undefined) issues.push({ code: 'custom', input: '', message });
  });
const Places = z
  .array(z.strictObject({ host: Text, port: wholeNumber(1, 65_535) }), 'must be a list of { host, port }')
  .min(1, 'must name at least one');
const Access = {
  username: Text.optional(),
  password: Text.optional(),
  tls: z.strictObject({ ca: Text.optional(), cert: Text.optional(), key: Text.optional() }).optional(),
};
const Target = z.discriminatedUnion(
  'kind',
  [
    z.strictObject({ kind: z.literal('url'), url: RedisUrl, ...Access }),
    z.strictObject({ kind: z.literal('cluster'), nodes: Places, ...Access }),
    z.strictObject({
      kind: z.literal('sentinel'),
      sentinels: Places,
      master: Text,
      sentinelUsername: Text.optional(),
      sentinelPassword: Text.optional(),
      ...Access,
    }),
  ],
  'must be url, cluster or sentinel',
);

/** Returns the target of a URL or a target. */
export const RedisPlace = z.unknown().transform((redis, context): RedisTarget => {
  const isTarget = typeof redis === 'object' && redis !== null && 'kind' in redis;
  const { data: target, error } = isTarget ? Target.safeParse(redis) : UrlAsTarget.safeParse(redis);
  if (target !== undefined) return target;
  for (const fault of faultsIn(error)) context.addIssue({ code: 'custom', ...fault });
  return z.NEVER;
});
const UrlAsTarget = RedisUrl.transform((url): RedisTarget => ({ kind: 'url', url }));

/** Why a redis:// URL is invalid; repeats nothing of the URL, which may contain a password. */
export function redisUrlFault(text: string): string | undefined {
  const url = URL.parse(text);
  if (url === null || url.hostname === '' || !/^\/?\d{0,4}$/.test(url.pathname)) {
    return 'must name a host, and may name a database by its number';
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
