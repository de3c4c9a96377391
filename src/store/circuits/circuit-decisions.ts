/**
 * What a step changes at a circuit breaker in Redis. A circuit is a hash that exists while it is open, that is while nothing gets through.
 * Beside it lies the set of the jobs that it holds, by version. A decision may be called again, with other replies.
 */
import type { Command, Decision, Seen } from '../../redis/change.ts';
import type { CircuitName, Passage } from '../../lifecycle/ports/circuits.ts';
import type { CircuitAt } from './circuit-state.ts';
import { HELD_SECONDS, type Release, release } from './release-held.ts';

interface Circuit {
  /** Epoch milliseconds. */
  since: number;
  /** The run that opened it. */
  by: string;
  /** Milliseconds between probes. */
  step: number;
  /** When the next probe is due, in epoch milliseconds. */
  probe: number;
  /** The job that is to probe it, and until when no other may, in epoch milliseconds. */
  probeJob?: string | undefined;
  until: number;
  /** The half-open probe that was refused. */
  last?: string | undefined;
}

export interface Timing {
  /** Epoch milliseconds. */
  now: number;
  /** How long a half-open probe may take, in milliseconds. */
  probeJobMs: number;
  /** How long a job that was promoted as a probe may take to start, in milliseconds. */
  nudgeMs: number;
  /** At least 0 and below 1; the same each time that the decision is called. */
  random: number;
}

/** How a job passes its circuits. */
export interface PassagePlan extends Passage {
  /** The circuit that holds the job. */
  heldBy?: CircuitName;
  /** Jobs that are to probe circuits in place of a job that is held: promote them. */
  others: readonly string[];
}

const REFUSED_LATELY_SECONDS = 10;

/** The job cannot start while one of the circuits of `must` is open. */
export function passage(
  seen: Seen,
  { must, may }: { must: readonly CircuitAt[]; may: readonly CircuitAt[] },
  { jobId, score }: { jobId: string; score: number },
  { now, probeJobMs, nudgeMs, random }: Timing,
): Decision<PassagePlan> {
  const writes: Command[] = [];
  const open: CircuitName[] = [];
  const probes: CircuitAt[] = [];
  let holder: CircuitAt | undefined;
  for (const at of [...must, ...may]) {
    const circuit = circuitIn(seen, at);
    if (circuit === undefined) continue;
    const mustPass = must.includes(at);
    // A job that may do without a circuit probes it only if it was promoted for that.
    const isMeant = !at.isDeletionLimit && (mustPass || circuit.probeJob === jobId);
    if (isMeant) writes.push(['ZREM', at.heldKey, jobId]);
    if (isMeant && mayProbe(seen, at, circuit, jobId, now)) probes.push(at);
    else if (mustPass) holder ??= at;
    else open.push(at.circuit);
  }
  if (holder === undefined) {
    writes.push(...probes.map((at) => probeBy(at, jobId, now + probeJobMs)));
    return { answer: { open, probes: probes.map(({ circuit }) => circuit), others: [] }, writes };
  }
  // The job cannot probe these circuits while another one holds it, so other jobs do.
  const others = probes.map((at) => anotherJob(seen, at, random, jobId));
  writes.push(
    ...probes.map((at, index) => probeBy(at, others[index], now + nudgeMs)),
    ...hold(holder, jobId, score),
  );
  const promoted = others.filter((other) => other !== undefined);
  return { answer: { heldBy: holder.circuit, open, probes: [], others: promoted }, writes };
}

export interface RefusedJob {
  jobId: string;
  run: string;
  score: number;
  reason: string;
  /** A reason that is known already says more. */
  isUntried: boolean;
  /** Between probes, the first time and at most. */
  firstMs: number;
  lastMs: number;
  /** In which no job may probe. */
  afterMs: number;
  process: string;
}

/**
 * Opens the circuit if it is closed, and holds the refused job. The half-open probe's refusal delays the next probe. `closed`: another
 * process has just got through. Carried out twice by the same run (a reply was lost), it answers the same.
 */
export function refusal(
  seen: Seen,
  at: CircuitAt,
  job: RefusedJob,
  timing: Timing,
): Decision<{ is: 'held' | 'closed'; hasOpened: boolean }> {
  const { now, probeJobMs } = timing;
  const circuit = circuitIn(seen, at);
  if (circuit?.by === job.run) return { answer: { is: 'held', hasOpened: true } };
  const passedBy = seen.text('GET', at.passedKey) ?? job.process;
  if (circuit === undefined && passedBy !== job.process)
    return { answer: { is: 'closed', hasOpened: false } };

  const isProbe = circuit !== undefined && circuit.probeJob === job.jobId;
  const longerStep = isProbe ? Math.min(circuit.step * 2, job.lastMs) : circuit?.step;
  const step = longerStep ?? job.firstMs;
  const probe =
    circuit === undefined || isProbe
      ? now + Math.max(step, job.afterMs)
      : Math.max(circuit.probe, pauseEnd(now, job.afterMs));
  const isReasonNew = circuit === undefined || !job.isUntried;
  const writes: Command[] = [
    ...(isProbe ? [['HDEL', at.key, 'probeJob', 'until'] as const] : []),
    [
      'HSET',
      at.key,
      'step',
      step,
      'probe',
      probe,
      ...(circuit === undefined ? ['since', now, 'by', job.run] : []),
      ...(isProbe ? ['last', job.jobId] : []),
      ...(isReasonNew ? ['reason', job.reason] : []),
    ],
    // With no job left that would probe it, a circuit does not stay open.
    ['PEXPIRE', at.key, Math.max(probe - now, 0) + 2 * job.lastMs + probeJobMs],
    ...hold(at, job.jobId, job.score),
  ];
  return { answer: { is: 'held', hasOpened: circuit === undefined }, writes };
}

/** In whole seconds: else each of hundreds of runs that are refused at once would change the circuit, and have all others decide anew. */
function pauseEnd(now: number, afterMs: number): number {
  return afterMs === 0 ? 0 : Math.ceil((now + afterMs) / 1000) * 1000;
}

/** The run that was to probe a circuit is over. Answers how long the circuit was open, in milliseconds, if this closes it. */
export function probeEnd(
  seen: Seen,
  at: CircuitAt,
  { jobId, hasPassed }: { jobId: string; hasPassed: boolean },
  now: number,
): Decision<number | undefined> {
  const circuit = circuitIn(seen, at);
  if (circuit === undefined) return { answer: undefined };
  if (hasPassed) return { answer: now - circuit.since, writes: [['DEL', at.key]] };
  const isProbe = circuit.probeJob === jobId;
  return { answer: undefined, writes: isProbe ? [probeBy(at, undefined, now)] : [] };
}

export type NextToPromote =
  | Release
  /** A probe is due. */
  | { is: 'probe'; jobId: string };

/**
 * Which jobs of a circuit are to be promoted now, by one process at a time.
 * @param asked.promoted jobs that were promoted just now, and are in no set any more.
 */
export function nextToPromote(
  seen: Seen,
  at: CircuitAt,
  asked: { most: number; process: string; promoted: readonly string[] },
  timing: Timing,
): Decision<NextToPromote> {
  const circuit = circuitIn(seen, at);
  if (circuit === undefined) return release(seen, at, asked);
  // A job that was promoted in vain is gone.
  const isTried = circuit.probeJob !== asked.promoted[0] && isProbing(circuit, timing.now);
  if (at.isDeletionLimit || circuit.probe > timing.now || isTried) return { answer: { is: 'idle' } };
  const jobId = anotherJob(seen, at, timing.random);
  return {
    answer: jobId === undefined ? { is: 'idle' } : { is: 'probe', jobId },
    writes: [probeBy(at, jobId, timing.now + timing.nudgeMs)],
  };
}

/** A job that was to probe is gone. */
export function forgetHeld({ heldKey }: CircuitAt, jobId: string): Decision<void> {
  return { answer: undefined, writes: [['ZREM', heldKey, jobId]] };
}

function circuitIn(seen: Seen, { key }: CircuitAt): Circuit | undefined {
  const fields = ['since', 'by', 'step', 'probe', 'probeJob', 'until', 'last'];
  const [since, by = '', step, probe, probeJob, until = 0, last] = seen.list('HMGET', key, ...fields);
  if (since === undefined) return undefined;
  return {
    since: Number(since),
    by,
    step: Number(step),
    probe: Number(probe),
    probeJob,
    until: Number(until),
    last,
  };
}

/** Remembers, too, which credential was refused last. */
function hold({ heldKey, refusedKey, fingerprint }: CircuitAt, jobId: string, score: number): Command[] {
  return [
    ['SET', refusedKey, fingerprint, 'EX', REFUSED_LATELY_SECONDS],
    ['ZADD', heldKey, score, jobId],
    ['EXPIRE', heldKey, HELD_SECONDS],
  ];
}

function isProbing({ probeJob, until }: Circuit, now: number): boolean {
  return probeJob !== undefined && until > now;
}

/** One job at a time probes the circuit, when that is due, and not the same twice if others wait. */
function mayProbe(seen: Seen, at: CircuitAt, circuit: Circuit, jobId: string, now: number): boolean {
  if (circuit.probe > now || (circuit.probeJob !== jobId && isProbing(circuit, now))) return false;
  return circuit.last !== jobId || anotherJob(seen, at, 0, jobId) === undefined;
}

/** The oldest held job but this one. A job that was just refused, maybe for a reason of its own, comes only if there is no other. */
function anotherJob(seen: Seen, at: CircuitAt, random: number, jobId?: string): string | undefined {
  const others = seen.list('ZRANGE', at.heldKey, 0, 2).filter((other) => other !== jobId);
  const last = seen.text('HGET', at.key, 'last');
  if (others[0] === undefined || others[0] !== last) return others[0];
  const any = Math.floor(random * Number(seen.read('ZCARD', at.heldKey) ?? 0));
  const [another] = seen.list('ZRANGE', at.heldKey, any, any);
  return another === last || another === jobId ? (others[1] ?? last) : another;
}

/** @param jobId undefined: any job may. */
function probeBy({ key }: CircuitAt, jobId: string | undefined, untilMs: number): Command {
  return jobId === undefined
    ? ['HDEL', key, 'probeJob', 'until']
    : ['HSET', key, 'probeJob', jobId, 'until', untilMs];
}
