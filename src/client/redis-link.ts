/**
 * A producer's connection to Redis: calls fail within their time where Redis is away, and succeed again once it is back. Knows
 * nothing of what is called.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Cluster } from 'ioredis';
import { ClosedError } from './closed-error.ts';
import {
  type RedisConnection,
  type RedisTarget,
  RedisAwayError,
  isLostConnection,
  isUnsent,
  letGo,
  openImpatient,
  placeOf,
} from '../redis/connection.ts';
import { tellable } from '../redis/refusal.ts';

/** The oldest Redis that has the commands which queues and ledger need. */
const OLDEST_REDIS = [6, 2] as const;

/** This Redis cannot serve: too old. */
export class UnfitRedisError extends Error {
  override readonly name = 'UnfitRedisError';
}

export interface CallOptions {
  /** How long the call may take in all, in milliseconds. Default: as long as reaching Redis may. */
  withinMs?: number | undefined;
  /** Whether it may be made again where its answer was lost: it comes to the same. Default false. */
  isRepeatable?: boolean;
  /** It changes nothing: it may be made again, and where its answer was lost nothing may have been done. Default false. */
  isRead?: boolean;
}

export interface RedisLink {
  readonly connection: RedisConnection;
  /**
   * Makes a call once the connection is up.
   * @throws RedisAwayError where that takes too long or the answer is lost; ClosedError; RedisRefusedError; UnfitRedisError; what the
   * call throws.
   */
  call<T>(work: () => Promise<T>, options?: CallOptions): Promise<T>;
  /** Lets go at once; calls under way fail. */
  close(): void;
}

export interface RedisLinkOptions {
  /** How long reaching Redis may take, in milliseconds. */
  failAfterMs: number;
  /** Told what the operator of this Redis should know: that it may evict jobs. */
  onWarning: (message: string) => void;
}

/** Opens the link, and begins to connect. */
export function openRedisLink(target: RedisTarget, { failAfterMs, onWarning }: RedisLinkOptions): RedisLink {
  const place = placeOf(target);
  let reason = 'no answer of a Redis';
  let isClosed = false;
  let underWay = 0;
  const connection = openImpatient(target, {
    isWanted: () => underWay > 0,
    onError(told) {
      // A plain error has no name that tells anything.
      if (told !== 'Error') reason = told;
    },
  });
  const rest = connection instanceof Cluster ? restOf(connection) : undefined;
  let fitness: Promise<UnfitRedisError | undefined> | undefined;
  connection.on('ready', () => {
    fitness = fitnessOf(connection, onWarning);
  });

  function throwIfClosed(wasSent: boolean): void {
    if (isClosed) throw new ClosedError(wasSent);
  }

  /** Resolves once commands can be sent, or nobody waits for it any more. */
  async function ready(over: AbortSignal, wasSent: boolean): Promise<void> {
    const lateAt = performance.now() + failAfterMs;
    while (connection.status !== 'ready' && !over.aborted) {
      throwIfClosed(wasSent);
      // While nobody called, nobody connected again. Why it fails is told as a fault of the connection.
      if (RESTING.has(connection.status)) void connection.connect().catch(() => {});
      if (performance.now() >= lateAt) throw new RedisAwayError(reason, wasSent, place);
      await sleep(LOOK_MS);
    }
    throwIfClosed(wasSent);
    const unfit = await fitness;
    if (unfit !== undefined) throw unfit;
  }

  return {
    connection,
    async call(work, { withinMs = failAfterMs, isRepeatable = false, isRead = false } = {}) {
      throwIfClosed(false);
      underWay += 1;
      rest?.end();
      const over = new AbortController();
      const late = within(withinMs, over.signal);
      let wasSent = false;
      const attempt = async () => {
        for (;;) {
          await ready(over.signal, wasSent);
          if (over.signal.aborted) return undefined;
          const wasSentBefore = wasSent;
          try {
            wasSent = !isRead;
            return { value: await work() };
          } catch (error) {
            if (!isLostConnection(error)) throw tellable(error);
            wasSent = wasSentBefore || (!isRead && !isUnsent(error));
            throwIfClosed(wasSent);
            reason = 'the connection was lost';
            if (!isRepeatable && wasSent) throw new RedisAwayError(reason, true, place);
            // The connection may not know yet that it is lost.
            await sleep(LOOK_MS);
          }
        }
      };
      try {
        const end = await Promise.race([attempt(), late]);
        if (end !== undefined) return end.value;
        throw new RedisAwayError(reason, wasSent, place);
      } finally {
        over.abort();
        underWay -= 1;
        if (underWay === 0) rest?.begin();
      }
    },
    close() {
      isClosed = true;
      rest?.end();
      letGo(connection);
    },
  };
}

/** Nothing connects by itself; a cluster whose nodes end one by one may stay `close`. */
const RESTING: ReadonlySet<string> = new Set(['end', 'close']);
/** How long a cluster that nobody calls stays connected, in milliseconds. */
const REST_MS = 5000;

/** Lets go of a cluster after a while in which nobody calls: its lines would keep a process that has nothing else to do. */
function restOf(cluster: Cluster): { begin: () => void; end: () => void } {
  let timer: NodeJS.Timeout | undefined;
  return {
    begin() {
      timer = setTimeout(() => cluster.disconnect(), REST_MS);
    },
    end: () => clearTimeout(timer),
  };
}

/** Never, where there is no limit. Keeps the process, which the connection does not. */
function within(ms: number, over: AbortSignal): Promise<undefined> {
  if (ms === Infinity) {
    const keeper = setInterval(() => {}, 2 ** 30);
    over.addEventListener('abort', () => clearInterval(keeper));
    return new Promise(() => {});
  }
  return sleep(ms, undefined, { signal: over }).catch(() => undefined);
}

/** How often it is looked whether the connection is up, in milliseconds. */
const LOOK_MS = 10;

/** What is not told (a user without the right to ask) is taken to be right. */
async function fitnessOf(
  connection: RedisConnection,
  onWarning: (message: string) => void,
): Promise<UnfitRedisError | undefined> {
  const info = await connection.info().catch(() => '');
  const [major = Infinity, minor = 0] = (/redis_version:(\d+)\.(\d+)/.exec(info) ?? []).slice(1).map(Number);
  if (major < OLDEST_REDIS[0] || (major === OLDEST_REDIS[0] && minor < OLDEST_REDIS[1])) {
    return new UnfitRedisError(`Redis ${major}.${minor} is too old: ${OLDEST_REDIS.join('.')} is needed`);
  }
  const policy = /maxmemory_policy:(\S+)/.exec(info)?.[1];
  if (policy !== undefined && policy !== 'noeviction') {
    onWarning(`Redis may evict jobs: its maxmemory-policy is ${policy}, and should be noeviction`);
  }
  return undefined;
}
