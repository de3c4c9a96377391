/**
 * Starts the embedded defaults: a Redis and a Damoov sandbox, if none is configured. Logs warnings about the configuration.
 */
import type { Config, DamoovAccess } from '../config/config.ts';
import type { Log } from '../ops/log.ts';
import type { RedisTarget } from '../redis/connection.ts';
import { locateRedis } from '../dev/locate-redis.ts';
import { prefixWarning } from '../redis/options.ts';

/** Starts each embedded default that is needed and logs their names in one line. */
export async function startEmbeddedDefaults(
  config: Config,
  log: Log,
  closing: (() => Promise<unknown>)[],
): Promise<{ target: RedisTarget; damoov: DamoovAccess }> {
  let { damoov } = config;
  const embedded: { redis?: string; damoov?: string } = {};
  const { target, embeddedUrl, release } = await locateRedis(config.redis);
  closing.push(release);
  if (embeddedUrl !== undefined) embedded.redis = embeddedUrl;
  if (damoov === 'sandbox') {
    // Loaded only if it is needed: a configured worker starts without it.
    const { SANDBOX_CREDENTIALS, startSandbox } = await import('../sandbox/server.ts');
    const sandbox = await startSandbox();
    closing.push(() => sandbox.close());
    const {
      instanceId: id,
      instanceKey: key,
      adminEmail: email,
      adminPassword: password,
    } = SANDBOX_CREDENTIALS;
    damoov = { baseUrl: sandbox.url, instances: { default: { id, key } }, admin: { email, password } };
    embedded.damoov = sandbox.url;
  }
  const names = [
    embedded.redis === undefined ? [] : 'an embedded Redis with its data in .data/redis',
    embedded.damoov === undefined ? [] : 'the built-in Damoov sandbox, whose users are not real',
  ].flat();
  const ofPrefix = prefixWarning('QUEUE_PREFIX', config.queues.prefix);
  if (ofPrefix !== undefined) log.warn(ofPrefix);
  if (names.length > 0)
    log.warn(embedded, `not configured, so an embedded default is used: ${names.join(' and ')}`);
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
