/**
 * Waits while Redis is away: the calls here can be repeated, whether or not they were carried out.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { RedisAwayError, isLostConnection } from '../../redis/connection.ts';

export interface RetryOptions {
  /** How long Redis may be away, in milliseconds. */
  mostMs: number;
  signal: AbortSignal;
  /** Called once when Redis is away, and once when it is back. */
  onChange: (isAway: boolean) => void;
}

export type RetryWhileAway = <T>(call: () => Promise<T>) => Promise<T>;

const AGAIN_MS = 250;

/** @returns a function that calls until Redis answers; it throws only RedisAwayError. */
export function createRetryWhileAway({ mostMs, signal, onChange }: RetryOptions): RetryWhileAway {
  return async (call) => {
    let awaySince: number | undefined;
    for (;;) {
      try {
        const answer = await call();
        if (awaySince !== undefined) onChange(false);
        return answer;
      } catch (error) {
        if (!isLostConnection(error)) throw error;
        if (awaySince === undefined) onChange(true);
        awaySince ??= performance.now();
        if (performance.now() - awaySince > mostMs) throw new RedisAwayError('the connection was lost');
      }
      await sleep(AGAIN_MS, undefined, { signal });
    }
  };
}
