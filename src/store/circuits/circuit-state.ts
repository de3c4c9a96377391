/**
 * Reads the state of a circuit that its scripts have written.
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

export interface CircuitKeys {
  /** The circuit itself, which exists while it is open. */
  keyOf: (circuit: CircuitName) => string;
  /** The held jobs are the same for every credential: a worker with the right one releases them. */
  heldKeyOf: (circuit: CircuitName) => string;
}

/** @param fingerprints of the credential of each circuit, or of Damoov's address. */
export function circuitKeysOf(prefix: string, fingerprints: ReadonlyMap<CircuitName, string>): CircuitKeys {
  return {
    keyOf: (circuit) => `${prefix}:circuit:${circuit}:${fingerprints.get(circuit) ?? ''}`,
    heldKeyOf: (circuit) => `${prefix}:circuit:${circuit}:held`,
  };
}

export function createCircuitReader(
  jobs: Queue,
  keys: CircuitKeys,
): (circuit: CircuitName) => Promise<CircuitState> {
  return async (circuit) => {
    const client = await jobs.getBackend().client;
    const [hash, held] = await Promise.all([
      client.hgetall(keys.keyOf(circuit)),
      client.zcard(keys.heldKeyOf(circuit)),
    ]);
    const { since, reason = '', probe } = hash;
    if (since === undefined) return { circuit, held };
    return { circuit, openSince: Number(since), reason, probeAt: Number(probe), held };
  };
}
