/**
 * The jobs that open circuit breakers and the deletion limit hold, a page at a time. Its cost does not grow with their number.
 */
import type { Queue } from 'bullmq';
import type { CircuitName } from '../../lifecycle/ports/circuits.ts';
import { changesIn } from '../../redis/change.ts';
import { circuitsAt } from './circuit-state.ts';

export interface HeldJob {
  jobId: string;
  circuit: CircuitName;
}

export interface HeldPage {
  /** How many are held in all. */
  total: number;
  held: HeldJob[];
}

/** Those of these circuits, one circuit after the other, the oldest job first. @param skip how many are left out before them. */
export function readHeldJobs(
  { jobs, prefix, circuits }: { jobs: Queue; prefix: string; circuits: readonly CircuitName[] },
  { skip, count }: { skip: number; count: number },
): Promise<HeldPage> {
  const listed = circuits.map(circuitsAt(prefix, new Map()));
  return changesIn(jobs)((seen) => {
    const sizes = listed.map(({ heldKey }) => Number(seen.read('ZCARD', heldKey) ?? 0));
    const held: HeldJob[] = [];
    let before = 0;
    for (const [index, { circuit, heldKey }] of listed.entries()) {
      const size = sizes[index] ?? 0;
      const first = Math.max(0, skip - before);
      const most = count - held.length;
      if (most > 0 && first < size) {
        const ids = seen.list('ZRANGE', heldKey, first, first + most - 1);
        held.push(...ids.map((jobId = '') => ({ jobId, circuit })));
      }
      before += size;
    }
    return { answer: { total: before, held } };
  });
}
