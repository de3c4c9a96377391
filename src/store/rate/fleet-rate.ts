/**
 * The request rate that a fleet shares, in one hash of Redis. Knows how its script is called; who waits for a slot, and what
 * for, is not its business. All times it answers are spans from now, so that nobody's clock has to agree with Redis'.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { RedisConnection } from '../../redis/connection.ts';
import { luaBeside } from '../../redis/scripts.ts';

export interface FleetRateOptions {
  readonly connection: Pick<RedisConnection, 'eval' | 'evalsha'>;
  readonly prefix: string;
  /** The ceiling, in requests a second. Default: none. */
  readonly maxRps?: number | undefined;
  /** The clock, in epoch milliseconds. Default: Redis' own. */
  readonly now?: (() => number) | undefined;
}

/** The state of the fleet at the moment of the answer. */
export interface Reading {
  /** Requests a second; undefined where nothing limits them. */
  readonly ratePerS?: number;
  /** Whether a refusal has set the rate, as opposed to the ceiling alone. */
  readonly isLearnt: boolean;
  readonly pausedForMs: number;
  /** What was reserved: `count` slots, the first one `firstInMs` from now, which may be a little in the past. */
  readonly slots: { readonly firstInMs: number; readonly everyMs: number; readonly count: number };
  readonly nextFreeInMs: number;
  /** Whether this very call has lowered the rate. */
  readonly isLowered: boolean;
}

/** A request that was answered with 429. */
export interface Refusal {
  readonly sentAgoMs: number;
  readonly retryAfterMs?: number | undefined;
  /** How many requests a second this process has lately seen accepted. */
  readonly seenPerS: number;
}

export interface FleetRate {
  /** @param passedAgoMs how long ago the youngest request was sent that has passed since the last call. */
  reserve(count: number, passedAgoMs?: number): Promise<Reading>;
  refused(refusal: Refusal, passedAgoMs?: number): Promise<Reading>;
  /** Changes nothing. */
  look(): Promise<Reading>;
}

/** The slots of a rate are reserved no further ahead than this, in milliseconds; as in the script. */
export const HORIZON_MS = 150;

export function createFleetRate({ connection, prefix, maxRps, now }: FleetRateOptions): FleetRate {
  const lua = luaBeside(import.meta.url)('pacer');
  const sha = createHash('sha1').update(lua).digest('hex');
  const key = `${prefix}:rate`;

  return {
    reserve: (count, passedAgoMs) => call('reserve', passedAgoMs, count),
    refused: ({ sentAgoMs, retryAfterMs, seenPerS }, passedAgoMs) =>
      call('refused', passedAgoMs, sentAgoMs, retryAfterMs ?? '', seenPerS),
    look: () => call('look', undefined),
  };

  async function call(
    what: string,
    passedAgoMs: number | undefined,
    ...more: (number | string)[]
  ): Promise<Reading> {
    const args = [key, what, now?.() ?? '', maxRps ?? '', passedAgoMs ?? '', ...more];
    const reply = await connection.evalsha(sha, 1, ...args).catch((error: Error) => {
      // A Redis that was restarted, or another master, has to be told the script.
      if (error.message.startsWith('NOSCRIPT')) return connection.eval(lua, 1, ...args);
      throw error;
    });
    const [rate, isLearnt, pausedForMs, firstInMs, everyMs, count, nextFreeInMs, isLowered] =
      Reply.parse(reply);
    return {
      ...(rate !== '' && { ratePerS: Number(rate) }),
      isLearnt: isLearnt === 1,
      pausedForMs,
      slots: { firstInMs, everyMs, count },
      nextFreeInMs,
      isLowered: isLowered === 1,
    };
  }
}

const span = z.coerce.number();
const Reply = z.tuple([z.string(), z.number(), span, span, span, z.number(), span, z.number()]);
