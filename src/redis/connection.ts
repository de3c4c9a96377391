/**
 * Opens connections to Redis as BullMQ needs them: single server, Sentinel or Cluster. Knows nothing of what is stored.
 */
import { Cluster, Redis, type RedisOptions } from 'ioredis';

export interface HostPort {
  host: string;
  port: number;
}

export type RedisTarget =
  | { kind: 'url'; url: string }
  | { kind: 'cluster'; nodes: HostPort[] }
  | { kind: 'sentinel'; sentinels: HostPort[]; master: string };

export type RedisConnection = Redis | Cluster;

const OPTIONS = {
  // A worker waits for Redis to come back instead of failing its jobs; BullMQ insists on it.
  maxRetriesPerRequest: null,
  // After a failover the old master answers READONLY: reconnect and send the command again.
  reconnectOnError: (error: Error) => (error.message.startsWith('READONLY') ? 2 : false),
  retryStrategy: (times: number) => Math.min(100 * 2 ** Math.min(times, 5), 2000),
  // A master that died silently would hang a connection for ever; above BullMQ's longest blocking call of 10 s.
  socketTimeout: 30_000,
} satisfies RedisOptions;

/**
 * Opens a connection that waits for Redis rather than failing, and says when it is lost and when it is back.
 * @param onChange told once at each change, never with an address or a password.
 */
export function connectRedis(
  target: RedisTarget,
  onChange: (state: 'lost' | 'ready', reason?: string) => void = () => {},
): RedisConnection {
  const connection = open(target);
  let isLost = false;
  let reason: string | undefined;
  // Without a listener ioredis prints every failed attempt to reconnect.
  connection.on('error', (error: Error & { code?: string }) => {
    // Redis puts its own code in front: NOAUTH, WRONGPASS.
    reason = error.code ?? (error.name === 'ReplyError' ? error.message.split(' ', 1)[0] : error.name);
    lose();
  });
  connection.on('close', lose);
  connection.on('ready', () => {
    isLost = false;
    onChange('ready');
  });
  return connection;

  function lose(): void {
    if (isLost) return;
    isLost = true;
    onChange('lost', reason);
  }
}

function open(target: RedisTarget): RedisConnection {
  switch (target.kind) {
    case 'url':
      return new Redis(target.url, OPTIONS);
    case 'cluster':
      return new Cluster(target.nodes, { redisOptions: OPTIONS });
    case 'sentinel':
      return new Redis({ ...OPTIONS, sentinels: target.sentinels, name: target.master });
  }
}
