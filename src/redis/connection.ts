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
  const connection = open(target, OPTIONS);
  let isLost = false;
  let reason: string | undefined;
  // Without a listener ioredis prints every failed attempt to reconnect.
  connection.on('error', (error: Error) => {
    reason = reasonOf(error);
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

/** Redis cannot be reached, or went away; told without an address or a password. */
export class RedisAwayError extends Error {
  override readonly name = 'RedisAwayError';
  /** What was asked for may have been done all the same: it was sent, and the answer was lost. */
  readonly mayHaveBeenApplied: boolean;

  constructor(reason: string, mayHaveBeenApplied = false) {
    const lost = mayHaveBeenApplied ? '; what was asked for may have been done' : '';
    super(`${isRefusal(reason) ? 'Redis refuses the user or password' : 'Redis is away'}: ${reason}${lost}`);
    this.mayHaveBeenApplied = mayHaveBeenApplied;
  }
}

/** How long a silent Redis is waited for that has answered before: it may be busy with a script of somebody else's. */
const SILENT_MS = 10_000;

/**
 * Opens a connection for a command that somebody waits for: where Redis is away it fails rather than waits, and so does
 * every call whose answer is lost, which may have been carried out all the same.
 * @param withinMs how long reaching Redis may take, in milliseconds.
 * @throws RedisAwayError
 */
export async function reachRedis(target: RedisTarget, withinMs = 5000): Promise<RedisConnection> {
  const connection = open(target, {
    ...OPTIONS,
    lazyConnect: true,
    maxRetriesPerRequest: 0,
    // Before the deadline, so that it says what took so long.
    connectTimeout: withinMs * 0.8,
    socketTimeout: SILENT_MS,
  });
  let reason: string | undefined;
  connection.on('error', (error: Error) => (reason = reasonOf(error)));
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error('late')), withinMs);
  try {
    await Promise.race([connection.connect(), late]);
    return connection;
  } catch (error) {
    connection.disconnect();
    const told = reason ?? (error instanceof Error ? reasonOf(error) : undefined);
    // A plain error has no name that tells anything, and its text may hold anything.
    throw new RedisAwayError(told === undefined || told === 'Error' ? 'no answer of a Redis' : told);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Opens a connection for a producer, which fails rather than waits and goes on by itself once Redis is back: nothing is kept to be
 * sent later, nothing is sent twice. It begins to connect at once.
 * @param onError told the reason of each fault, never an address or a password.
 */
export function openImpatient(target: RedisTarget, onError: (reason: string) => void): RedisConnection {
  const connection = open(target, {
    ...OPTIONS,
    maxRetriesPerRequest: 0,
    retryStrategy: (times) => Math.min(25 * 2 ** Math.min(times, 5), 500),
    socketTimeout: SILENT_MS,
    // A cluster opens the connection to a node with the first command for it, which has to wait for that.
    enableOfflineQueue: target.kind === 'cluster',
  });
  connection.on('error', (error: Error) => onError(reasonOf(error)));
  return connection;
}

/** Another connection to the same Redis, for calls that block; its failed calls tell where it is away. */
export function duplicateOf(connection: RedisConnection): RedisConnection {
  const another = connection instanceof Cluster ? connection.duplicate() : connection.duplicate();
  another.on('error', () => {});
  return another;
}

/** Whether a call failed because the connection was lost, so that nobody knows whether it was carried out. */
export function isLostConnection(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code } = error as Error & { code?: unknown };
  return (
    typeof code === 'string' ||
    LOST.has(error.name) ||
    error.message === 'Connection is closed.' ||
    isUnsent(error)
  );
}

/** Whether a call failed before anything of it was sent; ioredis tells it by its words alone. */
export function isUnsent(error: unknown): boolean {
  return error instanceof Error && error.message.includes('enableOfflineQueue options is false');
}
const LOST = new Set(['MaxRetriesPerRequestError', 'AbortError', 'ClusterAllFailedError']);

/** Redis puts its own code in front: NOAUTH, WRONGPASS. */
function reasonOf(error: Error & { code?: string }): string {
  return error.code ?? (error.name === 'ReplyError' ? (error.message.split(' ', 1)[0] ?? '') : error.name);
}

/** Whether this is what Redis says to a wrong user or password. */
export function isRefusal(reason: string | undefined): boolean {
  return reason !== undefined && REFUSALS.has(reason);
}
const REFUSALS = new Set(['NOAUTH', 'WRONGPASS', 'NOPERM']);

type Options = Omit<typeof OPTIONS, 'maxRetriesPerRequest'> & {
  maxRetriesPerRequest: number | null;
  enableOfflineQueue?: boolean;
  connectTimeout?: number;
  lazyConnect?: boolean;
};

function open(target: RedisTarget, options: Options): RedisConnection {
  switch (target.kind) {
    case 'url':
      return new Redis(target.url, options);
    case 'cluster':
      return new Cluster(target.nodes, {
        redisOptions: options,
        lazyConnect: options.lazyConnect ?? false,
      });
    case 'sentinel':
      return new Redis({ ...options, sentinels: target.sentinels, name: target.master });
  }
}
