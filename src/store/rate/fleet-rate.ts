/**
 * The request rate of a fleet, in one hash in Redis. All times in its answers are relative, so that clocks need not agree.
 */
import { z } from 'zod';
import { type ScriptSource, jsonScriptsOf, luaBeside } from '../../redis/scripts.ts';

const readLua = luaBeside(import.meta.url);

export interface FleetRateOptions {
  readonly connection: ScriptSource;
  readonly prefix: string;
  /** The ceiling, in requests a second. Default: none. */
  readonly maxRps?: number | undefined;
  /** The clock, in epoch milliseconds. Default: Redis' own. */
  readonly now?: (() => number) | undefined;
}

export interface RateRequest {
  /** How many requests wait for a slot. */
  readonly count: number;
  /** Number of requests that Damoov accepted since the last call, and the age of the youngest. */
  readonly passed: number;
  readonly passedAgoMs?: number | undefined;
  /** An answer of 429. */
  readonly refused?: { readonly sentAgoMs: number; readonly retryAfterMs: number } | undefined;
}

const Reading = z.object({
  /** Requests a second; undefined if nothing limits them. */
  ratePerS: z.number().optional(),
  /** Whether this call has lowered the rate. */
  isLowered: z.boolean(),
  pausedForMs: z.number(),
  /** The reserved slots; the first may be slightly in the past. */
  firstInMs: z.number(),
  everyMs: z.number(),
  count: z.number(),
  /** When another slot can be reserved. */
  roomInMs: z.number(),
});
export type Reading = z.infer<typeof Reading>;

export interface FleetRate {
  /** Reports the results of requests, and reserves slots. */
  take(request: RateRequest): Promise<Reading>;
  /** Changes nothing. */
  look(): Promise<Reading>;
}

export function createFleetRate({ connection, prefix, maxRps, now }: FleetRateOptions): FleetRate {
  const script = jsonScriptsOf(connection, { rate: readLua('../clock', 'rate') });
  const take = async (request: RateRequest) => {
    const reply = await script('rate')([`${prefix}:rate`], { ...request, ceiling: maxRps, clockMs: now?.() });
    return Reading.parse(JSON.parse(z.string().parse(reply)));
  };
  return { take, look: () => take({ count: 0, passed: 0 }) };
}
