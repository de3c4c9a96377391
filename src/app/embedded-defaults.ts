/**
 * What takes the place of what is not configured: a Redis and a Damoov of our own. Says so, and what else of the configuration
 * deserves a word.
 */
import type { Config, DamoovAccess } from '../config/config.ts';
import type { Log } from '../ops/log.ts';
import type { RedisTarget } from '../redis/connection.ts';
import { locateRedis } from '../dev/locate-redis.ts';
import { prefixWarning } from '../redis/options.ts';
import { SANDBOX_CREDENTIALS, startSandbox } from '../sandbox/server.ts';

/** Starts an embedded Redis and the sandbox where the configuration names none, and says so in one line. */
export async function standIn(
  config: Config,
  log: Log,
  closing: (() => Promise<unknown>)[],
): Promise<{ target: RedisTarget; damoov: DamoovAccess }> {
  let { damoov } = config;
  const standIns: { redis?: string; damoov?: string } = {};
  const { target, embeddedUrl, release } = await locateRedis(config.redis);
  closing.push(release);
  if (embeddedUrl !== undefined) standIns.redis = embeddedUrl;
  if (damoov === 'sandbox') {
    const sandbox = await startSandbox();
    closing.push(() => sandbox.close());
    const {
      instanceId: id,
      instanceKey: key,
      adminEmail: email,
      adminPassword: password,
    } = SANDBOX_CREDENTIALS;
    damoov = { baseUrl: sandbox.url, instances: { default: { id, key } }, admin: { email, password } };
    standIns.damoov = sandbox.url;
  }
  const told = [
    standIns.redis === undefined ? [] : 'an embedded Redis with its data in .data/redis',
    standIns.damoov === undefined ? [] : 'the built-in Damoov sandbox, whose users are not real',
  ].flat();
  const ofPrefix = prefixWarning('QUEUE_PREFIX', config.queues.prefix);
  if (ofPrefix !== undefined) log.warn(ofPrefix);
  if (told.length > 0) log.warn(standIns, `not configured, so a stand-in is used: ${told.join(' and ')}`);
  if (config.damoov !== 'sandbox' && config.userId.mode === 'derived' && config.userId.secret === undefined) {
    const instances = Object.entries(damoov.instances).flatMap(([name, { userIdSecret }]) =>
      userIdSecret === undefined ? [name] : [],
    );
    if (instances.length > 0) {
      log.warn(
        { instances },
        'DAMOOV_USER_ID_SECRET is not set: UserIds derive from the instance key, and another key would derive others',
      );
    }
  }
  if (damoov.admin === undefined) {
    log.warn('DAMOOV_ADMIN_EMAIL is not set: only creates are carried out, updates and deletions wait');
  }
  return { target, damoov };
}
