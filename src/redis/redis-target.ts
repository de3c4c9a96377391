/**
 * Where a Redis is: a single server, one behind Sentinel, or a cluster; and how ioredis is told.
 */
import { Cluster, type ClusterOptions, Redis, type RedisOptions } from 'ioredis';
import { bundleWrites } from './batched-writes.ts';

export interface HostPort {
  host: string;
  port: number;
}

/** Who asks, and how the line is secured; the same at every node of a cluster, or at every server that Sentinel may name. */
export interface RedisAccess {
  /** Default: what the URL says, else Redis' own `default` user. */
  username?: string | undefined;
  password?: string | undefined;
  /** Has the line encrypted, as `rediss://` does by itself; Sentinels are asked in the same way. */
  tls?: RedisTls | undefined;
}

/** Each in PEM. */
export interface RedisTls {
  /** Who may have signed the servers' certificates. Default: whom Node.js trusts. */
  ca?: string | undefined;
  /** What this client shows of itself, and its key; servers with `tls-auth-clients yes` ask for it. */
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
        /** The name under which they watch it. */
        master: string;
        /** Of the Sentinels themselves. Default: none. */
        sentinelUsername?: string | undefined;
        sentinelPassword?: string | undefined;
      }
  );

/** Names the place for messages: host and port of each server; never a user or a password. */
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

/** What the line to one server is like; a cluster gives it to each of its nodes. */
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

/** What is done about a call that a cluster cannot serve just now; see ioredis. */
export type RedirectOptions = Pick<
  ClusterOptions,
  'maxRedirections' | 'retryDelayOnFailover' | 'retryDelayOnClusterDown'
>;

/** A Sentinel that accepts a connection and then stays silent is passed over, in milliseconds. */
const SENTINEL_ANSWERS_MS = 2000;
/** A busy node may take longer for the map of the slots than the second that ioredis gives it. In milliseconds. */
const SLOTS_ANSWER_MS = 5000;
/** Two nodes may each name the other for a moment; without a pause a call would go to and fro as fast as it can. */
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
        // By default the nodes' names are turned into addresses, which their certificates do not bear.
        ...(target.tls !== undefined && { dnsLookup: (host, done) => done(null, host) }),
      });
  }
}

/**
 * ioredis only reports that the database cannot be selected, and goes on in database 0, at every connect. Such a connection, or one
 * that BullMQ duplicates of it, is closed instead, before any queued command is sent; it connects again as after any other loss.
 */
function withItsDatabase(redis: Redis): Redis {
  redis.on('error', (error: Error) => {
    if (!isDatabaseFault(error)) return;
    // The handshake goes on only as long as the status is `connect`.
    redis.status = 'reconnecting';
    redis.disconnect(true);
  });
  const duplicate = redis.duplicate.bind(redis);
  return Object.assign(redis, {
    duplicate: (options?: Partial<RedisOptions>) => withItsDatabase(duplicate(options)),
  });
}

/** Whether Redis does not select the database: there is none, it is a cluster's, or its user may not. */
export function isDatabaseFault(error: unknown): boolean {
  if (!(error instanceof Error) || error.message.startsWith('NOAUTH')) return false;
  const { command } = error as Error & { command?: { name: string } };
  return command?.name === 'select';
}

/**
 * BullMQ duplicates a connection for its blocking calls, and tears one down whose call has not ended six seconds after its time. With a
 * cluster it may then wait for ever, and the worker takes no further job: such a call fails instead, and BullMQ makes it again.
 */
class QueueCluster extends Cluster {
  override readonly duplicate: Cluster['duplicate'] = (nodes, options) => {
    const another = super.duplicate(nodes, options);
    another.options.maxRedirections = BLOCKING_REDIRECTIONS;
    return another;
  };
}
/** About a second's worth. */
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

/** To ioredis an option counts as set though its value is undefined. */
function given<Options extends object>(options: Options): Given<Options> {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- some of the entries of the options
  return Object.fromEntries(entries) as Given<Options>;
}
