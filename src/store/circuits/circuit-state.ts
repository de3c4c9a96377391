/**
 * Reads how a gate stands, from what the scripts of the gates write. Changes nothing, and knows no job.
 */
import type { Queue } from 'bullmq';
import type { GateName } from '../../lifecycle/ports/circuits.ts';

/** A gate, as whoever has this credential finds it now. */
export interface GateState {
  gate: GateName;
  /** Epoch milliseconds; undefined while it is open. */
  shutSince?: number;
  reason?: string;
  /** When the next probe is due, in epoch milliseconds. */
  probeAt?: number;
  /** How many jobs wait before it. */
  held: number;
}

export interface GateKeys {
  /** The gate itself, which exists while it is shut. */
  keyOf: (gate: GateName) => string;
  /** What waits is the same whatever the credential: who has the right one lets it pass. */
  heldKeyOf: (gate: GateName) => string;
}

/** @param fingerprints of the credential of each gate, or of Damoov's address. */
export function gateKeysOf(prefix: string, fingerprints: ReadonlyMap<GateName, string>): GateKeys {
  return {
    keyOf: (gate) => `${prefix}:gate:${gate}:${fingerprints.get(gate) ?? ''}`,
    heldKeyOf: (gate) => `${prefix}:gate:${gate}:held`,
  };
}

export function createGateReader(jobs: Queue, keys: GateKeys): (gate: GateName) => Promise<GateState> {
  return async (gate) => {
    const client = await jobs.getBackend().client;
    const [hash, held] = await Promise.all([
      client.hgetall(keys.keyOf(gate)),
      client.zcard(keys.heldKeyOf(gate)),
    ]);
    const { since, reason = '', probe } = hash;
    if (since === undefined) return { gate, held };
    return { gate, shutSince: Number(since), reason, probeAt: Number(probe), held };
  };
}
