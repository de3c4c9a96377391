/**
 * The readiness checks of the worker, each with the reason if it fails.
 */
import type { RedisConnection } from '../redis/connection.ts';
import type { CircuitState } from '../store/circuits/circuit-state.ts';
import type { BrokenKey } from '../bullmq/queue-keys.ts';
import { refusalToWrite } from '../redis/refusal.ts';
import type { CircuitName } from '../lifecycle/ports/circuits.ts';
import type { Check } from './health.ts';
import { cached } from './cached.ts';
import { withTimeout } from './with-timeout.ts';

/** Longest wait of a caller, in milliseconds. */
const PATIENCE_MS = 1000;

/** Shares one call among concurrent callers; undefined if there is no answer within a second. */
function patiently<T>(ask: () => Promise<T>): () => Promise<T | undefined> {
  const shared = cached(ask);
  return () => withTimeout(PATIENCE_MS, shared());
}

/**
 * Redis is ready if it accepts a write within a second.
 * @param prefix of the queues: in a cluster it selects the node.
 * @param awayText the message with the address of Redis and the reason.
 */
export function redisTakesWrites(
  connection: RedisConnection,
  prefix: string,
  awayText: (reason?: string) => string,
): Check {
  const ask = patiently(async () => ({ refusal: await refusalToWrite(connection, prefix) }));
  return async () => {
    if (connection.status !== 'ready') return { ok: false, reason: awayText() };
    const reply = await ask();
    if (reply === undefined) return { ok: false, reason: awayText('no answer within a second') };
    return reply.refusal === undefined ? { ok: true } : { ok: false, reason: reply.refusal.message };
  };
}

/** The keys of the queues have their types. */
export function queuesAreWhole(brokenKeys: () => Promise<BrokenKey[]>): Check {
  const ask = patiently(brokenKeys);
  return async () => {
    const broken = await ask();
    if (broken === undefined) return { ok: false, reason: 'not known: Redis does not answer' };
    if (broken.length === 0) return { ok: true };
    return { ok: false, reason: broken.map(({ fault, todo }) => `${fault}; ${todo}`).join('; ') };
  };
}

/** A check for each circuit: it is not ok while the circuit is open. */
export function circuitsAreClosed(
  circuits: readonly CircuitName[],
  stateOf: (circuit: CircuitName) => Promise<CircuitState>,
): Record<string, Check> {
  return Object.fromEntries(circuits.map((circuit) => [circuit, isOpen(circuit, stateOf)]));
}

/** A longer pause after a 429 than this needs attention. */
const NOTICED_MS = 5000;

/** Whether requests may be sent. */
export function requestsLeave(stateOf: () => Promise<{ pausedUntil?: number }>): Check {
  const ask = patiently(stateOf);
  return async () => {
    const { pausedUntil = 0 } = (await ask()) ?? {};
    if (pausedUntil <= Date.now() + NOTICED_MS) return { ok: true };
    return { ok: false, reason: `Damoov answers 429: nothing is sent until ${iso(pausedUntil)}` };
  };
}

function isOpen(circuit: CircuitName, stateOf: (circuit: CircuitName) => Promise<CircuitState>): Check {
  const ask = patiently(() => stateOf(circuit));
  return async () => {
    const state = await ask();
    if (state === undefined) return { ok: false, reason: 'not known: Redis does not answer' };
    const { openSince, probeAt = 0, reason, held } = state;
    if (openSince === undefined) return { ok: true };
    // The worker is healthy; an operator has to decide.
    if (circuit === 'deletion-limit')
      return { ok: true, detail: `held since ${iso(openSince)}, deletions: ${held}` };
    const times = `open since ${iso(openSince)}, tried again at ${iso(probeAt)}`;
    return { ok: false, reason: `${times}, held jobs: ${held}: ${withoutIds(reason)}` };
  };
}

/** Readiness is public, so the reason names no job. */
function withoutIds(reason = ''): string {
  return reason.replaceAll(/[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}/gi, 'a user');
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
