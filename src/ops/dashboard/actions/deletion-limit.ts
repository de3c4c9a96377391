/**
 * Releases or refuses the deletions that the deletion limit holds: all, or those of one user.
 */
import { z } from 'zod';
import { RefusedChangeError } from '../../../bullmq/selection.ts';
import { type Approval, createDeletionLimit } from '../../../store/circuits/deletion-limit.ts';
import { counted } from '../words.ts';
import { type Action, type Confirmed, Id, actionOf } from './action.ts';
import { changeAll } from './change-all.ts';

const Filter = z
  .strictObject({ clientId: Id.optional(), userId: Id.optional(), instance: Id.optional() })
  .refine(
    ({ clientId, userId, instance }) => instance === undefined || (clientId ?? userId) !== undefined,
    'instance needs clientId or userId',
  );

const WORDS = {
  release: {
    verb: 'Release',
    done: 'released',
    effect: 'They are carried out, beyond the deletion limit: these users are deleted for ever.',
  },
  refuse: {
    verb: 'Refuse',
    done: 'refused',
    effect: 'They end as deletion-refused: these users are not deleted.',
  },
};

export const releaseDeletions = limitAction('release');
export const refuseDeletions = limitAction('refuse');

/** Jobs per step. */
const PAGE = 200;

function limitAction(decision: Approval): Action {
  const { verb, done, effect } = WORDS[decision];
  return actionOf({
    name: `deletions-${decision}`,
    command: `deletions ${decision}`,
    button: verb,
    filter: Filter,
    async plan(filter, parts) {
      const isOfUser = Object.keys(filter).length > 0;
      const jobIds = await createDeletionLimit(parts).find(isOfUser ? filter : undefined);
      const question = `${verb} ${counted(jobIds.length, 'held deletion')}`;
      return { question, count: jobIds.length, effect, jobIds };
    },
    async carryOut(_filter, confirmed, parts, note) {
      const limit = createDeletionLimit(parts);
      const act = (some: string[]) => limit.decide(decision, some);
      const pages = pagesOf(await chosenIn(confirmed));
      return changeAll(pages, act, { count: confirmed.count, done }, note);
    },
  });
}

/**
 * Those that were counted, and no other: each deletion is for ever.
 * @throws RefusedChangeError if Redis has not all of them any more: the others are not gone.
 */
async function chosenIn({ chosen, count }: Confirmed): Promise<string[]> {
  const ids: string[] = [];
  while (ids.length < count) {
    const some = await chosen(ids.length, Math.min(PAGE, count - ids.length));
    if (some.length === 0) throw new RefusedChangeError('Redis has lost which ones were counted. Try again.');
    ids.push(...some);
  }
  return ids;
}

async function* pagesOf(jobIds: readonly string[]): AsyncGenerator<string[]> {
  for (let from = 0; from < jobIds.length; from += PAGE) yield jobIds.slice(from, from + PAGE);
}
