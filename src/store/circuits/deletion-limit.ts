/**
 * The deletions over the deletion limit, and an operator's decision about them. Stores the decision; the worker reads it when it takes
 * the job again.
 */
import type { Queue } from 'bullmq';
import type { CircuitName } from '../../lifecycle/ports/circuits.ts';
import { promoteJob } from '../../bullmq/elsewhere.ts';
import { readDeletion } from '../deletions/deletion-list.ts';
import { KEEP_NAME_S, decisionKeyOf } from '../deletions/deletion-names.ts';
import type { DeletionOf } from '../deletions/deletions.ts';
import { type Command, changesIn } from '../../redis/change.ts';

/** The circuit of the deletion limit; `all` takes the place of a credential's fingerprint. */
export const DELETION_LIMIT: readonly [CircuitName, string] = ['deletion-limit', 'all'];

export type Approval = 'release' | 'refuse';

export interface DeletionLimit {
  /** Whether the deletion limit holds this job. */
  holds(jobId: string): Promise<boolean>;
  /** The ids of the held jobs, the oldest first: all, or those of a user. Reads all held jobs in batches. */
  find(user?: DeletionOf): Promise<string[]>;
  /**
   * Releases these held deletions, which are then carried out beyond the limit, or refuses them: they end as `deletion-refused`.
   * @returns how many.
   */
  decide(decision: Approval, jobIds: readonly string[]): Promise<number>;
}

/** Jobs per step; Redis is blocked meanwhile. */
const AT_ONCE = 200;

export function createDeletionLimit({ jobs, prefix }: { jobs: Queue; prefix: string }): DeletionLimit {
  const change = changesIn(jobs);
  const [circuit, fingerprint] = DELETION_LIMIT;
  const held = `${prefix}:circuit:${circuit}:held`;
  const key = `${prefix}:circuit:${circuit}:${fingerprint}`;
  const client = () => jobs.getBackend().client;

  return {
    holds: async (jobId) => (await (await client()).zscore(held, jobId)) !== null,
    async find(user) {
      const found: string[] = [];
      for (let from = 0; ; from += AT_ONCE) {
        const ids = await (await client()).zrange(held, from, from + AT_ONCE - 1);
        const isMeant = await Promise.all(
          ids.map(async (id) => user === undefined || isOf(user, await readDeletion(jobs, id))),
        );
        found.push(...ids.filter((_, place) => isMeant[place]));
        if (ids.length < AT_ONCE) return found;
      }
    },
    async decide(decision, jobIds) {
      let decided = 0;
      // Also without jobs: the held ones may be gone while the circuit is still open.
      for (let from = 0; from === 0 || from < jobIds.length; from += AT_ONCE) {
        const some = jobIds.slice(from, from + AT_ONCE);
        // If this is interrupted, each job follows the stored decision once its own timer wakes it.
        const stored = await change((seen) => {
          const answer = some.filter((id) => seen.score(held, id) !== undefined);
          const keys = answer.map((id) => decisionKeyOf(prefix, id));
          return { answer, writes: keys.map((key) => ['SET', key, decision, 'EX', KEEP_NAME_S]) };
        });
        const forward = await Promise.all(stored.map((jobId) => promoteJob(jobs, jobId)));
        decided += forward.filter((isForward) => isForward).length;
        // These are no longer held. If none is, the circuit closes.
        const forget: Command[] = some.length === 0 ? [] : [['ZREM', held, ...some]];
        await change(() => ({ answer: undefined, writes: [...forget, ['DEL-IF-EMPTY', key, held]] }));
      }
      return decided;
    },
  };
}

function isOf(user: DeletionOf, deletion: Awaited<ReturnType<typeof readDeletion>>): boolean {
  if (typeof deletion !== 'object') return false;
  const { clientId, userId, instance = 'default' } = user;
  if (deletion.instance !== instance) return false;
  if (clientId !== undefined && deletion.clientId === clientId) return true;
  return userId !== undefined && deletion.userId === userId.toLowerCase();
}
