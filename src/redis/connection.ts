/**
 * Opens connections to Redis as BullMQ needs them: single server, Sentinel or Cluster.
 */
import { Cluster, type Redis } from 'ioredis';
import {
  type LineOptions,
  type RedisTarget,
  type RedirectOptions,
  isDatabaseFault,
  openConnection,
  placeOf,
} from './redis-target.ts';

export { type HostPort, type RedisTarget, type RedisTls, isDatabaseFault, placeOf } from './redis-target.ts';

export type RedisConnection = Redis | Cluster;

const OPTIONS = {
  // A worker waits for Redis instead of failing its jobs; BullMQ requires it.
  maxRetriesPerRequest: null,
  // After a failover the old master answers READONLY: reconnect and send the command again.
  reconnectOnError: (error: Error): 2 | false => (error.message.startsWith('READONLY') ? 2 : false),
  retryStrategy: (times: number) => Math.min(100 * 2 ** Math.min(times, 5), 2000),
  // A master that died silently would hang a connection for ever; above BullMQ's longest blocking call of 10 s.
  socketTimeout: 30_000,
  // By default a broken socket keeps the process alive for two seconds after it was closed.
  disconnectTimeout: 500,
} satisfies LineOptions;

/** A failover takes as long as it takes: a call waits, as it does while a single Redis is away. */
const PATIENT: RedirectOptions = { maxRedirections: Infinity };
/** ioredis does not repeat a call that may have been carried out: only the caller knows whether that is safe. */
const FAIL_FAST: RedirectOptions = { retryDelayOnFailover: 0, retryDelayOnClusterDown: 0 };

/**
 * Opens a connection that waits for Redis instead of failing, and reports when it is lost and when it is back.
 * @param onChange called once for each change, and when an absence turns out to be a refusal; never with a password.
 */
export function connectRedis(
  target: RedisTarget,
  onChange: (state: 'lost' | 'ready', reason?: string) => void = () => {},
): RedisConnection {
  const connection = openConnection(target, OPTIONS, PATIENT);
  let isLost = false;
  let isRefused = false;
  let reason: string | undefined;
  onFault(connection, (latest) => (reason = latest));
  connection.on('error', lose);
  connection.on('close', lose);
  connection.on('ready', () => {
    isLost = false;
    isRefused = false;
    reason = undefined;
    onChange('ready');
  });
  return connection;

  function lose(): void {
    // A Redis that comes back with another password was away, and now refuses.
    const isNews = refusalIn(reason) !== undefined && !isRefused;
    if (isLost && !isNews) return;
    isLost = true;
    isRefused = refusalIn(reason) !== undefined;
    onChange('lost', reason);
  }
}

/** The message for a lost connection. */
export function awayText(reason: string, place?: string): string {
  const where = place === undefined ? '' : ` (${place})`;
  const refusal = refusalIn(reason);
  const is = refusal === undefined ? 'is away' : `refuses ${refusal.what}`;
  return `Redis ${is}${where}: ${reason}${refusal?.todo ?? ''}`;
}

/** Redis cannot be reached, refuses the user, password or database, or went away; the message contains no user or password. */
export class RedisAwayError extends Error {
  override readonly name = 'RedisAwayError';
  /** The command may have been carried out: it was sent, but its reply was lost. */
  readonly mayHaveBeenApplied: boolean;

  /** Host and port, if known. */
  readonly place: string | undefined;
  readonly #reason: string;

  constructor(reason: string, mayHaveBeenApplied = false, place?: string) {
    const lost = mayHaveBeenApplied ? '; the request may have been carried out' : '';
    super(`${awayText(reason, place)}${lost}`);
    this.mayHaveBeenApplied = mayHaveBeenApplied;
    this.place = place;
    this.#reason = reason;
  }

  /** Whether Redis is there but refuses the user, the password or the database. */
  get isRefusal(): boolean {
    return refusalIn(this.#reason) !== undefined;
  }

  /** The same error with the address. */
  at(place: string): RedisAwayError {
    return new RedisAwayError(this.#reason, this.mayHaveBeenApplied, place);
  }
}

/**
 * Tracks the connections that BullMQ duplicates from this one for blocking calls: its own close waits for Redis.
 * @returns a function that closes all of them at once.
 */
export function withDuplicates(connection: RedisConnection): () => void {
  const all: RedisConnection[] = [connection];
  const duplicate: (...args: never[]) => RedisConnection = connection.duplicate.bind(connection);
  Object.assign(connection, {
    duplicate(...args: never[]) {
      const another = duplicate(...args);
      all.push(another);
      return another;
    },
  });
  return () => all.forEach(unlock);
}

/** Disconnects at once. Disconnecting an ended connection again would keep its process alive for a while. */
export function unlock(connection: RedisConnection): void {
  if (connection.status !== 'end') connection.disconnect();
}

/** How long to wait for a silent Redis that has answered before: it may be running another client's script. */
const SILENT_MS = 10_000;

/**
 * Opens a connection for an interactive command: if Redis is away it fails instead of waiting, and so does a call whose answer is lost,
 * although it may have been carried out.
 * @param withinMs how long connecting may take, in milliseconds.
 * @throws RedisAwayError
 */
export async function reachRedis(target: RedisTarget, withinMs: number): Promise<RedisConnection> {
  const line = {
    ...OPTIONS,
    lazyConnect: true,
    maxRetriesPerRequest: 0,
    // Before the deadline, so that the error names the cause.
    connectTimeout: withinMs * 0.8,
    socketTimeout: SILENT_MS,
  };
  const connection = openConnection(target, line, FAIL_FAST);
  let reason: string | undefined;
  onFault(connection, (latest) => (reason = latest));
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error('late')), withinMs);
  try {
    await Promise.race([connection.connect(), late]);
    return connection;
  } catch (error) {
    connection.disconnect();
    const known = reason ?? (error instanceof Error ? reasonOf(error) : undefined);
    // A plain error has no useful name, and its text may contain anything.
    const why = known === undefined || known === 'Error' ? 'no answer of a Redis' : known;
    throw new RedisAwayError(why, false, placeOf(target));
  } finally {
    clearTimeout(timer);
  }
}

export interface FailFastOptions {
  /** Called with the reason of each fault, never with a password. */
  onError: (reason: string) => void;
  /** Whether a call waits for Redis to come back. */
  isWanted: () => boolean;
}

/**
 * Opens a connection for a producer. Its calls fail fast: none is queued, none is sent twice. It connects at once, and reconnects
 * only while a call is under way. Neither its socket nor a timer keeps the process alive, except the sockets to cluster nodes.
 */
export function openFailFast(target: RedisTarget, { onError, isWanted }: FailFastOptions): RedisConnection {
  const line = {
    ...OPTIONS,
    maxRetriesPerRequest: 0,
    retryStrategy: (times: number) => (isWanted() ? Math.min(25 * 2 ** Math.min(times, 5), 500) : null),
    socketTimeout: SILENT_MS,
    // A cluster connects to a node with the first command for it, which has to wait.
    enableOfflineQueue: target.kind === 'cluster',
  };
  const connection = openConnection(target, line, FAIL_FAST);
  if (!(connection instanceof Cluster)) connection.on('connect', () => connection.stream.unref());
  onFault(connection, onError);
  return connection;
}

/** Whether a call failed because the connection was lost: it may have been carried out. */
export function isLostConnection(error: unknown): boolean {
  if (!(error instanceof Error) || MISUSES.some((misuse) => error instanceof misuse)) return false;
  const { code } = error as Error & { code?: unknown };
  return (
    typeof code === 'string' ||
    LOST.has(error.name) ||
    LOST_WORDS.some((words) => error.message.startsWith(words)) ||
    isUnsent(error)
  );
}

/** Node gives these a code, too. */
const MISUSES = [TypeError, RangeError, SyntaxError];

/** Whether a failed call was certainly not carried out; judged by its message. */
export function isUnsent(error: unknown): boolean {
  return error instanceof Error && UNSENT.test(error.message);
}
/** Nothing was sent; or a cluster has no master for this slot, or a master too few replicas: scripts are refused as a whole. */
const UNSENT = /enableOfflineQueue options is false|\b(?:CLUSTERDOWN|NOREPLICAS)\b/;
const LOST_WORDS = [
  'Connection is closed.',
  'None of startup nodes is available',
  'Too many Cluster redirections.',
];
const LOST = new Set(['MaxRetriesPerRequestError', 'AbortError', 'ClusterAllFailedError']);

/** Reports every fault of the connection by its reason. Without a listener ioredis prints every failed attempt to reconnect. */
function onFault(connection: RedisConnection, report: (reason: string) => void): void {
  connection.on('error', (error: Error) => report(reasonOf(error)));
  // A cluster only reports that all nodes failed; each node reports why.
  connection.on('node error', (error: Error) => report(reasonOf(error)));
}

/** Redis begins with its error code: NOAUTH, WRONGPASS. */
function reasonOf(error: Error & { code?: string; lastNodeError?: Error }): string {
  if (error.lastNodeError !== undefined) return reasonOf(error.lastNodeError);
  if (isDatabaseFault(error)) return 'SELECT';
  const [refusal] = /\b(?:NOAUTH|WRONGPASS|NOPERM)\b/.exec(error.message) ?? [];
  if (refusal !== undefined) return refusal;
  return error.code ?? (error.name === 'ReplyError' ? (error.message.split(' ', 1)[0] ?? '') : error.name);
}

/** Explains a refused connection, and what to do if that is not obvious; undefined if the reason is not a refusal. */
export function refusalIn(reason: string | undefined): { what: string; todo: string } | undefined {
  return REFUSALS.get(reason ?? '');
}

const CREDENTIALS = { what: 'the user or password', todo: '' };
const REFUSALS: ReadonlyMap<string, { what: string; todo: string }> = new Map([
  ['NOAUTH', CREDENTIALS],
  ['WRONGPASS', CREDENTIALS],
  ['NOPERM', CREDENTIALS],
  [
    'SELECT',
    {
      what: 'the database that its URL names',
      todo: '; name one that it has (0 to 15 by default, in a cluster 0 alone), or none. With an ACL its user needs +select',
    },
  ],
]);
