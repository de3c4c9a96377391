/**
 * The address of a Redis: a single server, one behind Sentinel, or a cluster; and its ioredis options.
 */
import { Cluster, type ClusterOptions, Redis, type RedisOptions } from 'ioredis';
import { bundleWrites } from './batched-writes.ts';

export interface HostPort {
  host: string;
  port: number;
}

/** The user and TLS settings; the same for every node of a cluster, and every server behind a Sentinel. */
export interface RedisAccess {
  /** Default: that of the URL, else Redis' `default` user. */
  username?: string | undefined;
  password?: string | undefined;
  /** Encrypts the connection, as `rediss://` does by itself; also to Sentinels. */
  tls?: RedisTls | undefined;
}

/** All in PEM. */
export interface RedisTls {
  /** The CA of the servers' certificates. Default: the CAs that Node.js trusts. */
  ca?: string | undefined;
  /** The client's certificate and its key; servers with `tls-auth-clients yes` require them. */
  cert?: string | undefined;
  key?: string | undefined;
}

export type RedisTarget = RedisAccess &
  (
    | { kind: 'url'; url: string }
    | { kind: 'cluster'; nodes: HostPort[] }
    | {
        kind: 'sentinel';
        sentinels: HostPort[];
        /** The name of the master at the Sentinels. */
        master: string;
        /** User of the Sentinels themselves. Default: none. */
        sentinelUsername?: string | undefined;
        sentinelPassword?: string | undefined;
      }
  );

/** The address for messages: host and port of each server; never a user or a password. */
export function placeOf(target: RedisTarget): string {
  switch (target.kind) {
    case 'url': {
      const { hostname, port } = new URL(target.url);
      return `${hostname}:${port === '' ? REDIS_PORT : port}`;
    }
    case 'cluster':
      return placesOf(target.nodes);
    case 'sentinel':
      return `${target.master} of the sentinels ${placesOf(target.sentinels)}`;
  }
}

function placesOf(places: readonly HostPort[]): string {
  return places
    .map(({ host, port }) => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`))
    .join(', ');
}

const REDIS_PORT = 6379;

/** The options of the connection to one server; a cluster uses them for each node. */
export interface LineOptions {
  maxRetriesPerRequest: number | null;
  reconnectOnError: (error: Error) => 2 | false;
  /** Null: no call waits; the next call connects. */
  retryStrategy: (times: number) => number | null;
  socketTimeout: number;
  disconnectTimeout: number;
  enableOfflineQueue?: boolean;
  connectTimeout?: number;
  lazyConnect?: boolean;
}

/** How to treat a call that a cluster cannot serve at the moment; see ioredis. */
export type RedirectOptions = Pick<
  ClusterOptions,
  'maxRedirections' | 'retryDelayOnFailover' | 'retryDelayOnClusterDown'
>;

/** How long to wait for a silent Sentinel before the next is tried, in milliseconds. */
const SENTINEL_ANSWERS_MS = 2000;
/** A busy node may need more for the slot map than ioredis' one second. In milliseconds. */
const SLOTS_ANSWER_MS = 5000;
/** Two nodes may redirect to each other for a moment; without a pause a call would loop at full speed. */
const MOVED_MS = 20;

export function openConnection(
  target: RedisTarget,
  line: LineOptions,
  redirects: RedirectOptions,
): Redis | Cluster {
  const connection = connectionTo(target, line, redirects);
  bundleWrites(connection);
  return connection;
}

function connectionTo(target: RedisTarget, line: LineOptions, redirects: RedirectOptions): Redis | Cluster {
  const access = accessOf(target);
  switch (target.kind) {
    case 'url':
      return withItsDatabase(new Redis(target.url, { ...line, ...access }));
    case 'sentinel':
      return new Redis({ ...line, ...access, ...sentinelOptions(target, line) });
    case 'cluster':
      return new QueueCluster(target.nodes, {
        redisOptions: { ...line, ...access },
        lazyConnect: line.lazyConnect ?? false,
        enableOfflineQueue: line.enableOfflineQueue ?? true,
        clusterRetryStrategy: line.retryStrategy,
        slotsRefreshTimeout: SLOTS_ANSWER_MS,
        retryDelayOnMoved: MOVED_MS,
        ...redirects,
        // By default node names are resolved to addresses, which their certificates do not contain.
        ...(target.tls !== undefined && { dnsLookup: (host, done) => done(null, host) }),
      });
  }
}

/**
 * If the database cannot be selected, ioredis only reports it and uses database 0, at every connect. Such a connection, and BullMQ's
 * duplicates of it, are closed instead, before any queued command is sent; they reconnect as after any loss.
 */
function withItsDatabase(redis: Redis): Redis {
  redis.on('error', (error: Error) => {
    if (!isDatabaseFault(error)) return;
    // The handshake continues only while the status is `connect`.
    redis.status = 'reconnecting';
    redis.disconnect(true);
  });
  const duplicate = redis.duplicate.bind(redis);
  return Object.assign(redis, {
    duplicate: (options?: Partial<RedisOptions>) => withItsDatabase(duplicate(options)),
  });
}

/** Whether Redis refuses the database: it does not exist, a cluster has none, or the user has no access. */
export function isDatabaseFault(error: unknown): boolean {
  if (!(error instanceof Error) || error.message.startsWith('NOAUTH')) return false;
  const { command } = error as Error & { command?: { name: string } };
  return command?.name === 'select';
}

/**
 * BullMQ duplicates a connection for its blocking calls, and closes one whose call is six seconds overdue. With a cluster it may then
 * wait for ever, and the worker takes no more jobs: such a call fails instead, and BullMQ repeats it.
 */
class QueueCluster extends Cluster {
  override readonly duplicate: Cluster['duplicate'] = (nodes, options) => {
    const another = super.duplicate(nodes, options);
    another.options.maxRedirections = BLOCKING_REDIRECTIONS;
    return another;
  };
}
/** Enough for about a second. */
const BLOCKING_REDIRECTIONS = 16;

function accessOf({ username, password, tls }: RedisAccess) {
  return given({ username, password, tls: tls && given({ ...tls }) });
}

function sentinelOptions(target: Extract<RedisTarget, { kind: 'sentinel' }>, { retryStrategy }: LineOptions) {
  const { sentinels, master: name, sentinelUsername, sentinelPassword, tls } = target;
  return {
    sentinels,
    name,
    sentinelCommandTimeout: SENTINEL_ANSWERS_MS,
    sentinelRetryStrategy: retryStrategy,
    ...given({ sentinelUsername, sentinelPassword }),
    ...(tls !== undefined && { sentinelTLS: given({ ...tls }), enableTLSForSentinelMode: true }),
  };
}

type Given<Options> = { [name in keyof Options]?: Exclude<Options[name], undefined> };

/** ioredis treats an option with the value undefined as set. */
function given<Options extends object>(options: Options): Given<Options> {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- some of the entries of the options
  return Object.fromEntries(entries) as Given<Options>;
}
