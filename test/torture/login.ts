/**
 * Gives the fleet its session before anything goes wrong. Logins are rationed: four that get no answer, as the sandbox is about to
 * have it, hold every update up for longer than a run may stand still.
 */
import { loadConfig } from '../../src/config/config.ts';
import { openFleetClient } from '../../src/app/fleet-client.ts';
import { type RedisTarget, connectRedis } from '../../src/redis/connection.ts';

/** @param env what points a worker at Redis and the sandbox. */
export async function logIn(redis: RedisTarget, env: Record<string, string>): Promise<void> {
  const config = loadConfig(env);
  if (config.damoov === 'sandbox') throw new Error('these workers have no Damoov');
  const connection = connectRedis(redis);
  const { client } = await openFleetClient(config, config.damoov, { connection, timeoutMs: 10_000 });
  try {
    await client.findUsers({ clientId: 'nobody' });
  } finally {
    await client.close();
    connection.disconnect();
  }
}
