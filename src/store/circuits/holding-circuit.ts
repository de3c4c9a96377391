/**
 * Finds which open circuit breaker holds a job: the deletion limit is one of them.
 */
import type { Queue } from 'bullmq';
import type { CircuitName } from '../../lifecycle/ports/circuits.ts';
import { changesIn } from '../../redis/change.ts';
import { circuitsAt } from './circuit-state.ts';

/** Undefined if none holds it any more. @param instances those whose keys the job may need. */
export function holdingCircuit(
  { jobs, prefix }: { jobs: Queue; prefix: string },
  { jobId, instances }: { jobId: string; instances: readonly string[] },
): Promise<CircuitName | undefined> {
  const keys = instances.map((instance): CircuitName => `instance-key:${instance}`);
  const circuits = (['deletion-limit', 'damoov', 'admin', ...keys] as const).map(
    circuitsAt(prefix, new Map()),
  );
  return changesIn(jobs)((seen) => ({
    answer: circuits.find(({ heldKey }) => seen.score(heldKey, jobId) !== undefined)?.circuit,
  }));
}
