/**
 * Where a circuit breaker lies in Redis, and its state.
 */
import type { Queue } from 'bullmq';
import type { CircuitName } from '../../lifecycle/ports/circuits.ts';

/** The state of a circuit for a given credential. */
export interface CircuitState {
  circuit: CircuitName;
  /** Epoch milliseconds; undefined while it is open. */
  openSince?: number;
  reason?: string;
  /** When the next probe is due, in epoch milliseconds. */
  probeAt?: number;
  /** Number of jobs it holds. */
  held: number;
}

/** The keys of a circuit. */
export interface CircuitAt {
  circuit: CircuitName;
  /** Of the credential, or of Damoov's address. */
  fingerprint: string;
  /** The circuit itself, which exists while it is open. */
  key: string;
  /** The held jobs are the same for every credential: a worker with the right one releases them. */
  heldKey: string;
  /** Of those, the ones that are being promoted; a job that is held again meanwhile is in both. */
  promotingKey: string;
  /** Which credential was refused last, for a while. */
  refusedKey: string;
  /** The process that got through last, for a while. */
  passedKey: string;
  /** The process that has jobs promoted. */
  promoterKey: string;
  /** It closes when an operator says so, or when it holds no job any more. */
  isDeletionLimit: boolean;
}

/** @param fingerprints of the credential of each circuit, or of Damoov's address. */
export function circuitsAt(
  prefix: string,
  fingerprints: ReadonlyMap<CircuitName, string>,
): (circuit: CircuitName) => CircuitAt {
  return (circuit) => {
    const base = `${prefix}:circuit:${circuit}`;
    const fingerprint = fingerprints.get(circuit) ?? '';
    return {
      circuit,
      fingerprint,
      key: `${base}:${fingerprint}`,
      heldKey: `${base}:held`,
      promotingKey: `${base}:promoting`,
      refusedKey: `${base}:refused`,
      passedKey: `${base}:passed`,
      promoterKey: `${base}:promoter`,
      isDeletionLimit: circuit === 'deletion-limit',
    };
  };
}

export function createCircuitReader(
  jobs: Queue,
  at: (circuit: CircuitName) => CircuitAt,
): (circuit: CircuitName) => Promise<CircuitState> {
  return async (circuit) => {
    const client = await jobs.getBackend().client;
    const { key, heldKey } = at(circuit);
    const [hash, held] = await Promise.all([client.hgetall(key), client.zcard(heldKey)]);
    const { since, reason = '', probe } = hash;
    if (since === undefined) return { circuit, held };
    return { circuit, openSince: Number(since), reason, probeAt: Number(probe), held };
  };
}
