/**
 * How the jobs of a closed circuit are released: taken from the set of held jobs before they are promoted, and kept in a set of their own
 * until that is known.
 */
import type { Command, Decision, Seen } from '../../redis/change.ts';
import type { CircuitAt } from './circuit-state.ts';

export const HELD_SECONDS = 90 * 24 * 3600;
const PROMOTES_MS = 5000;

export type Release =
  | { is: 'idle' }
  /** The oldest jobs, each followed by its score. */
  | { is: 'closed'; jobs: readonly string[]; mayGoOn: boolean };

/** The oldest jobs of a closed circuit, which one process at a time promotes. */
export function release(
  seen: Seen,
  at: CircuitAt,
  { most, process }: { most: number; process: string },
): Decision<Release> {
  const promoter = seen.text('GET', at.promoterKey);
  if (promoter !== undefined && promoter !== process) return { answer: { is: 'idle' } };
  // A process that was cut off has left them.
  const left = seen.list('ZRANGE', at.promotingKey, 0, -1, 'WITHSCORES').map(String);
  const jobs = left.length > 0 ? left : oldestIn(seen, at, most);
  if (jobs.length === 0)
    return {
      answer: { is: 'idle' },
      writes: promoter === undefined ? [] : [['DEL', at.promoterKey]],
    };
  // Other workers may still use a refused credential and return the jobs they take, so release only some at a time.
  const refused = seen.text('GET', at.refusedKey) ?? at.fingerprint;
  return {
    answer: { is: 'closed', jobs, mayGoOn: jobs.length / 2 >= most && refused === at.fingerprint },
    writes: [
      ['SET', at.promoterKey, process, 'PX', PROMOTES_MS],
      // A job may be held again before this process knows that it was promoted: then it must stay in the set.
      ...(left.length > 0
        ? []
        : [...removal(at.heldKey, scoredIn(jobs)), ...addition(at.promotingKey, scoredIn(jobs))]),
    ],
  };
}

/** All of one moment together: among equal times the caller finds the order. */
function oldestIn(seen: Seen, { heldKey }: CircuitAt, most: number): string[] {
  const last = seen.list('ZRANGE', heldKey, 0, most - 1, 'WITHSCORES').at(-1);
  return last === undefined
    ? []
    : seen.list('ZRANGEBYSCORE', heldKey, '-inf', last, 'WITHSCORES').map(String);
}

export interface ScoredJob {
  jobId: string;
  score: number;
}

/** @param flat ids, each followed by its score. */
export function scoredIn(flat: readonly string[]): ScoredJob[] {
  return flat.flatMap((jobId, at) => (at % 2 === 0 ? [{ jobId, score: Number(flat[at + 1]) }] : []));
}

/** Jobs per command: Redis' Lua passes only some thousand values. */
const PER_COMMAND = 1000;

function inParts<Item>(items: readonly Item[]): Item[][] {
  const count = Math.ceil(items.length / PER_COMMAND);
  return Array.from({ length: count }, (_, n) => items.slice(n * PER_COMMAND, (n + 1) * PER_COMMAND));
}

function removal(key: string, jobs: readonly ScoredJob[]): Command[] {
  return inParts(jobs).map((some) => ['ZREM', key, ...some.map(({ jobId }) => jobId)]);
}

function addition(key: string, jobs: readonly ScoredJob[]): Command[] {
  if (jobs.length === 0) return [];
  const added = inParts(jobs).map((some): Command => {
    return ['ZADD', key, 'NX', ...some.flatMap(({ jobId, score }) => [score, jobId])];
  });
  return [...added, ['EXPIRE', key, HELD_SECONDS]];
}

export interface PromotionEnd {
  /** All that were to be promoted. */
  jobs: readonly ScoredJob[];
  /** Of those: not delayed yet, so they stay held. */
  early: readonly ScoredJob[];
  process: string;
  goesOn: boolean;
}

/** These jobs of a closed circuit are promoted. */
export function afterPromotion(
  seen: Seen,
  { heldKey, promotingKey, promoterKey }: CircuitAt,
  { jobs, early, process, goesOn }: PromotionEnd,
): Decision<void> {
  const endsOurs = !goesOn && seen.text('GET', promoterKey) === process;
  return {
    answer: undefined,
    writes: [
      ...removal(promotingKey, jobs),
      ...addition(heldKey, early),
      ...(endsOurs ? [['DEL', promoterKey] as const] : []),
    ],
  };
}
