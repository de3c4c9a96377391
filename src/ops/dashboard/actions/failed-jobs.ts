/**
 * Retries or drops failed jobs: one, or all of a filter.
 */
import { z } from 'zod';
import { type FailedFilter, selectFailedJobs } from '../../../bullmq/selected-jobs.ts';
import { countKinds, expectNoMore } from '../../../bullmq/selection.ts';
import { JOB_NAMES, UNKNOWN } from '../../../contract/job.ts';
import { FAILURE_CODES } from '../../../contract/outcome.ts';
import { counted } from '../words.ts';
import { type Action, type ActionParts, Age, Id, actionOf, changeAll } from './action.ts';

const Filter: z.ZodType<FailedFilter> = z.strictObject({
  id: z.array(Id).min(1).optional(),
  code: z
    .array(z.enum([...FAILURE_CODES, UNKNOWN]))
    .min(1)
    .optional(),
  operation: z.enum([...JOB_NAMES, UNKNOWN]).optional(),
  clientId: Id.optional(),
  userId: Id.optional(),
  instance: Id.optional(),
  olderThan: Age.optional(),
  newerThan: Age.optional(),
});

const WORDS = {
  retry: { verb: 'Retry', done: 'retried', effect: 'They run again, with fresh attempts.' },
  drop: {
    verb: 'Drop',
    done: 'dropped',
    effect: 'They are removed for ever, with what they ask for. Nothing runs.',
  },
};

export const retryFailed = failedAction('retry');
export const dropFailed = failedAction('drop');

function failedAction(does: keyof typeof WORDS): Action {
  const { verb, done, effect } = WORDS[does];
  return actionOf({
    name: `failed-${does}`,
    command: `failed ${does}`,
    button: verb,
    filter: Filter,
    async plan(filter, parts) {
      const selection = await selectFailedJobs(parts, filter);
      const { total, by } = await countKinds(selection);
      const question = `${verb} ${counted(total, selection.what)}`;
      return { question, count: total, effect, kinds: by, moment: selection.moment };
    },
    async carryOut(filter, { count, moment }, parts: ActionParts, note) {
      const selection = await selectFailedJobs(parts, filter, moment);
      await expectNoMore(selection, count);
      return changeAll(selection.read(), selection[does], { count, doneWord: done }, note);
    },
  });
}
