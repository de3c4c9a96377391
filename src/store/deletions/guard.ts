/**
 * Whether a deletion is still wanted, and the point of no return before its DELETE: one step in Redis decides between the worker that would
 * send it and a cancellation.
 */
import type { Queue } from 'bullmq';
import { z } from 'zod';
import { circuitKeysOf } from '../circuits/circuit-state.ts';
import { jsonScriptsOf, luaBeside } from '../../redis/scripts.ts';
import type { DeletionGuard } from '../../lifecycle/ports/deletion-guard.ts';
import { KEEP_NAME_S, createDeletionNames, decisionKeyOf, pendingKeyOf } from './deletion-names.ts';

const readLua = luaBeside(import.meta.url);

export interface DeletionGuardOptions {
  jobs: Queue;
  prefix: string;
  /** How many deletions the fleet sends within an hour without approval. */
  deletionsPerHour: number;
}

/** Guards the deletions of this queue of jobs. */
export function createDeletionGuard({ jobs, prefix, deletionsPerHour }: DeletionGuardOptions): DeletionGuard {
  const aboutNames = (name: string) => readLua('asked', '../clock', 'name-state', 'standing', name);
  const script = jsonScriptsOf(jobs, {
    'check-deletion': aboutNames('check'),
    'authorize-delete': aboutNames('authorize-delete'),
  });
  const names = createDeletionNames({ jobs, prefix });
  const { keyOf, heldKeyOf } = circuitKeysOf(prefix, new Map([['deletion-limit', 'all']]));
  const held = (['deletion-limit', 'damoov', 'admin'] as const).map(heldKeyOf);
  return {
    async check({ jobId, timestamp, scheduler }, instance, ids) {
      const reply = await names.call({ ...ids, instance }, ({ saltKey, keys, ...known }) =>
        script('check-deletion')(
          [saltKey, pendingKeyOf(prefix), decisionKeyOf(prefix, jobId), keyOf('deletion-limit'), ...keys],
          { ...known, jobId, timestamp, scheduler, keepS: KEEP_NAME_S, held },
        ),
      );
      return Checked.parse(JSON.parse(z.string().parse(reply)));
    },
    async authorizeDelete({ jobId, timestamp, scheduler }, lock, instance, ids, kind) {
      const asked = { jobId, timestamp, scheduler, keepS: KEEP_NAME_S, lock };
      const limit = kind === 'sends' ? deletionsPerHour : undefined;
      const reply = await names.call({ ...ids, instance }, ({ saltKey, keys, ...known }) =>
        script('authorize-delete')(
          [saltKey, decisionKeyOf(prefix, jobId), `${prefix}:deletions-sent`, lock.key, ...keys],
          { ...known, ...asked, limit },
        ),
      );
      return Authorized.parse(reply);
    },
  };
}

const Checked = z.object({
  is: z.enum(['open', 'released', 'cancelled', 'refused']),
  requestedAt: z.number(),
  dueAt: z.number().optional(),
});
const Authorized = z.enum(['go', 'cancelled', 'returned', 'held', 'lost']);
