/**
 * The deletions that the brake holds, and what an operator decides over them. Knows how the decision is written down; the
 * worker reads it when it takes the job again.
 */
import type { Queue } from 'bullmq';
import { z } from 'zod';
import type { GateName } from '../../worker/gates.ts';
import type { DeletionOf } from '../deletions/deletions.ts';
import { QUEUE_FUNCTIONS } from '../queue-functions.ts';
import { luaBeside, scriptsOf } from '../scripts.ts';

const readLua = luaBeside(import.meta.url);

/** The gate of the brake, with what stands where others have the fingerprint of a credential. */
export const BRAKE: readonly [GateName, string] = ['brake', 'all'];

export type Decision = 'release' | 'refuse';

export interface Brake {
  /** Whether the brake holds this job. */
  holds(jobId: string): Promise<boolean>;
  /** The ids of the jobs that are held, the oldest first: all, or those of a user. All are looked through, some at a time. */
  find(user?: DeletionOf): Promise<string[]>;
  /**
   * Releases these of the held deletions, which are then carried out beyond the limit, or refuses them, and they end as
   * `deletion-refused`.
   * @returns how many.
   */
  decide(decision: Decision, jobIds: readonly string[]): Promise<number>;
}

/** So many in one step; Redis does nothing else meanwhile. */
const AT_ONCE = 200;

export function createBrake({ jobs, prefix }: { jobs: Queue; prefix: string }): Brake {
  const script = scriptsOf(jobs, {
    brake: [QUEUE_FUNCTIONS.promote, readLua('../parked'), readLua('gate'), readLua('brake')].join('\n'),
  });
  const [gate, fingerprint] = BRAKE;
  const held = `${prefix}:gate:${gate}:held`;
  const keys = [`${prefix}:gate:${gate}:${fingerprint}`, held];
  const client = () => jobs.getBackend().client;

  return {
    holds: async (jobId) => (await (await client()).zscore(held, jobId)) !== null,
    async find(user) {
      const found: string[] = [];
      for (let from = 0; ; from += AT_ONCE) {
        const ids = await (await client()).zrange(held, from, from + AT_ONCE - 1);
        const datas = await Promise.all(ids.map(async (id) => (await client()).hget(jobs.toKey(id), 'data')));
        found.push(...ids.filter((_, place) => user === undefined || isOf(user, datas[place] ?? '')));
        if (ids.length < AT_ONCE) return found;
      }
    },
    async decide(decision, jobIds) {
      let decided = 0;
      // Also where there are none: what was held may be gone, and the brake still shut.
      for (let from = 0; from === 0 || from < jobIds.length; from += AT_ONCE) {
        const some = jobIds.slice(from, from + AT_ONCE);
        decided += z.number().parse(await script('brake')(keys, [jobs.toKey(''), decision, ...some]));
      }
      return decided;
    },
  };
}

const Data = z.object({
  clientId: z.string().optional(),
  userId: z.string().optional(),
  instance: z.string().default('default'),
});

function isOf(user: DeletionOf, text: string): boolean {
  let data: z.infer<typeof Data> | undefined;
  try {
    data = Data.safeParse(JSON.parse(text)).data;
  } catch {
    return false;
  }
  const { clientId, userId, instance = 'default' } = user;
  if (data === undefined || data.instance !== instance) return false;
  if (clientId !== undefined && data.clientId === clientId) return true;
  return userId !== undefined && data.userId?.toLowerCase() === userId.toLowerCase();
}
