/**
 * A producer's connection to Redis: a call fails within its time if Redis is away, and succeeds again once it is back.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Cluster } from 'ioredis';
import {
  type RedisConnection,
  type RedisTarget,
  RedisAwayError,
  isLostConnection,
  isUnsent,
  unlock,
  openFailFast,
  placeOf,
} from '../redis/connection.ts';
import { redacted } from '../redis/refusal.ts';

/** The `UserJobs` was closed before the call, or while it was under way. Redis may well be there: make a new one. */
export class ClosedError extends Error {
  override readonly name = 'ClosedError';
  /** The call may have been carried out: it was sent before `close()` and not answered. */
  readonly mayHaveBeenApplied: boolean;

  constructor(mayHaveBeenApplied = false) {
    const lost = mayHaveBeenApplied ? '; what was asked for may have been done' : '';
    super(`this UserJobs is closed${lost}`);
    this.mayHaveBeenApplied = mayHaveBeenApplied;
  }
}

export interface CallOptions {
  /** How long the call may take in all, in milliseconds. Default: as long as reaching Redis may. */
  withinMs?: number | undefined;
  /** Whether the call is idempotent and may be repeated after a lost reply. Default false. */
  isRepeatable?: boolean;
  /** Whether the call only reads: it may be repeated, and a lost reply leaves nothing in doubt. Default false. */
  isRead?: boolean;
}

/** A call under way. */
interface Call<T> extends CallOptions {
  work: () => Promise<T>;
  /** The caller waits no longer. */
  over: AbortSignal;
  /** Whether it may have been carried out. */
  wasSent: boolean;
}

/** Nothing connects by itself; a cluster whose nodes end one by one may stay `close`. */
const RESTING: ReadonlySet<string> = new Set(['end', 'close']);
/** How long a cluster that nobody calls stays connected, in milliseconds. */
const REST_MS = 5000;
/** How often it is looked whether the connection is up, in milliseconds. */
const LOOK_MS = 10;

export class RedisLink {
  readonly connection: RedisConnection;
  readonly #place: string;
  readonly #failAfterMs: number;
  #reason = 'no answer of a Redis';
  #isClosed = false;
  #underWay = 0;
  #rest: NodeJS.Timeout | undefined;

  /**
   * Begins to connect.
   * @param failAfterMs how long reaching Redis may take, in milliseconds.
   */
  constructor(target: RedisTarget, failAfterMs: number) {
    this.#place = placeOf(target);
    this.#failAfterMs = failAfterMs;
    this.connection = openFailFast(target, {
      isWanted: () => this.#underWay > 0,
      onError: (told) => {
        // A plain error has no name that tells anything.
        if (told !== 'Error') this.#reason = told;
      },
    });
  }

  /**
   * Makes a call once the connection is up.
   * @throws RedisAwayError if that takes too long or the answer is lost; ClosedError; RedisRefusedError; what the call throws.
   */
  async call<T>(work: () => Promise<T>, options: CallOptions = {}): Promise<T> {
    this.#throwIfClosed(false);
    this.#underWay += 1;
    clearTimeout(this.#rest);
    const over = new AbortController();
    const call: Call<T> = { ...options, work, over: over.signal, wasSent: false };
    const late = sleep(options.withinMs ?? this.#failAfterMs, undefined, { signal: over.signal });
    try {
      const end = await Promise.race([this.#attempt(call), late.catch(() => undefined)]);
      if (end === undefined) throw this.#away(call.wasSent);
      return end.value;
    } finally {
      over.abort();
      this.#underWay -= 1;
      if (this.#underWay === 0) this.#restLater();
    }
  }

  /** Disconnects at once; calls under way fail. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#rest);
    unlock(this.connection);
  }

  /** Undefined if the caller waits no longer. */
  async #attempt<T>(call: Call<T>): Promise<{ value: T } | undefined> {
    const { work, over, isRepeatable = false, isRead = false } = call;
    for (;;) {
      await this.#ready(call);
      if (over.aborted) return undefined;
      const wasSentBefore = call.wasSent;
      try {
        call.wasSent = !isRead;
        return { value: await work() };
      } catch (error) {
        if (!isLostConnection(error)) throw redacted(error);
        call.wasSent = wasSentBefore || (!isRead && !isUnsent(error));
        this.#throwIfClosed(call.wasSent);
        this.#reason = 'the connection was lost';
        if (!isRepeatable && call.wasSent) throw this.#away(true);
        // The connection may not know yet that it is lost.
        await sleep(LOOK_MS);
      }
    }
  }

  /** Resolves once commands can be sent, or the caller waits no longer. */
  async #ready({ over, wasSent }: Call<unknown>): Promise<void> {
    const { connection } = this;
    const lateAt = performance.now() + this.#failAfterMs;
    while (connection.status !== 'ready' && !over.aborted) {
      this.#throwIfClosed(wasSent);
      // Without a call the connection does not reconnect. The connection reports why it fails.
      if (RESTING.has(connection.status)) void connection.connect().catch(() => {});
      if (performance.now() >= lateAt) throw this.#away(wasSent);
      await sleep(LOOK_MS);
    }
    this.#throwIfClosed(wasSent);
  }

  /** Disconnects an idle cluster: its sockets would keep the process alive. */
  #restLater(): void {
    const { connection } = this;
    if (connection instanceof Cluster && !this.#isClosed)
      this.#rest = setTimeout(() => connection.disconnect(), REST_MS);
  }

  #away(wasSent: boolean): RedisAwayError {
    return new RedisAwayError(this.#reason, wasSent, this.#place);
  }

  #throwIfClosed(wasSent: boolean): void {
    if (this.#isClosed) throw new ClosedError(wasSent);
  }
}
