/**
 * Gives a command the configuration and a Redis connection, and closes it.
 */
import type { Config } from '../../config/config.ts';
import {
  type RedisConnection,
  type RedisTarget,
  RedisAwayError,
  isLostConnection,
  placeOf,
  reachRedis,
} from '../../redis/connection.ts';
import { locateRedis } from '../../dev/locate-redis.ts';
import { refusalOf } from '../../redis/refusal.ts';
import type { CommandContext } from './command-context.ts';

/**
 * Runs the work with a connection that fails instead of waiting.
 * @throws ConfigError, RedisAwayError, and the errors of the work.
 */
export async function withRedis<T>(
  context: CommandContext,
  work: (redis: RedisConnection, config: Config, target: RedisTarget) => Promise<T>,
): Promise<T> {
  return withTarget(context, async (target, config) => {
    try {
      const redis = await reachRedis(target, context.reachMs);
      try {
        return await work(redis, config, target);
      } finally {
        redis.disconnect();
      }
    } catch (error) {
      if (error instanceof RedisAwayError && error.place === undefined) throw error.at(placeOf(target));
      if (!isLostConnection(error)) throw error;
      throw new RedisAwayError('the connection was lost', false, placeOf(target));
    }
  });
}

/**
 * Runs work that opens its own connections.
 * @throws ConfigError, RedisRefusedError, and the errors of the work.
 */
export async function withTarget<T>(
  { loadConfig, stderr }: CommandContext,
  work: (target: RedisTarget, config: Config) => Promise<T>,
): Promise<T> {
  const config = await loadConfig();
  const { target, embeddedUrl, release } = await locateRedis(config.redis);
  if (embeddedUrl !== undefined) stderr.write('REDIS_URL is not set: using the Redis under .data/redis\n');
  try {
    return await work(target, config);
  } catch (error) {
    throw refusalOf(error) ?? error;
  } finally {
    await release();
  }
}
