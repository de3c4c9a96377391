/**
 * Searches the queue for deletions of a user that other BullMQ clients have added, with ids that tell nothing. Reads the id of
 * every job that waits, and the data of those alone that are not ours.
 */
import type { Queue } from 'bullmq';
import { z } from 'zod';
import { MAX_JOB_BYTES } from '../../contract/job.ts';
import type { DeletionAddress } from './deletion-names.ts';
import { luaBeside, scriptsOf } from '../scripts.ts';

const readLua = luaBeside(import.meta.url);

/** How many jobs one script looks at: a millisecond or so in which Redis does nothing else. */
const LOOKED_AT = 1000;
/** How many of those that may be moving are looked at in one step, from each end of each set. */
const MOVING = 2000;

/** In the direction in which a job moves. */
const ALL = ['delayed', 'prioritized', 'wait', 'paused'];

/** Finds the ids of such jobs. */
export function searchOf(jobs: Queue): (user: DeletionAddress) => Promise<string[]> {
  const script = scriptsOf(jobs, {
    'foreign-page': [readLua('../read-json'), readLua('foreign-deletion'), readLua('foreign-page')].join(
      '\n',
    ),
    'foreign-moving': [readLua('../read-json'), readLua('foreign-deletion'), readLua('foreign-moving')].join(
      '\n',
    ),
  });
  return async ({ instance, clientId = '', userId = '' }) => {
    const about = [jobs.toKey(''), MAX_JOB_BYTES, instance, clientId, userId];
    const found = new Set<string>();
    for (const name of ALL) {
      let from = '0';
      do {
        const reply = await script('foreign-page')([jobs.toKey(name)], [...about, from, LOOKED_AT]);
        const [next, ids] = Page.parse(reply);
        for (const id of ids) found.add(id);
        from = next;
      } while (from !== '0');
    }
    const moving = await script('foreign-moving')(
      [...ALL, 'active'].map((name) => jobs.toKey(name)),
      [...about, MOVING],
    );
    for (const id of z.array(z.string()).parse(moving)) found.add(id);
    return [...found];
  };
}

const Page = z.tuple([z.string(), z.array(z.string())]);
