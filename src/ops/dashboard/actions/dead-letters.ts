/**
 * Redrives or drops dead letters: one, or all of a filter.
 */
import { z } from 'zod';
import { type LetterFilter, selectDeadLetters } from '../../../bullmq/selected-letters.ts';
import { countKinds, expectNoMore } from '../../../bullmq/selection.ts';
import { EVENT_TYPES } from '../../../contract/event.ts';
import { UNKNOWN } from '../../../contract/job.ts';
import { counted } from '../words.ts';
import { type Action, type ActionParts, Age, FormFault, Id, actionOf, changeAll } from './action.ts';

const Filter: z.ZodType<LetterFilter & { queue?: string | undefined }> = z.strictObject({
  queue: Id.optional(),
  type: z
    .array(z.enum([...EVENT_TYPES, UNKNOWN]))
    .min(1)
    .optional(),
  id: z.array(Id).min(1).optional(),
  clientId: Id.optional(),
  userId: Id.optional(),
  olderThan: Age.optional(),
  newerThan: Age.optional(),
});

const WORDS = {
  retry: {
    does: 'redrive',
    verb: 'Redrive',
    done: 'redriven',
    effect: 'Their subscribers get them once more, with fresh attempts.',
  },
  drop: {
    does: 'drop',
    verb: 'Drop',
    done: 'dropped',
    effect: 'They are removed for ever: their subscribers never get them.',
  },
};

export const redriveDeadLetters = lettersAction('retry');
export const dropDeadLetters = lettersAction('drop');

function lettersAction(change: keyof typeof WORDS): Action {
  const { does, verb, done, effect } = WORDS[change];
  return actionOf({
    name: `dead-letters-${does}`,
    command: `dead-letters ${does}`,
    button: verb,
    filter: Filter,
    async plan({ queue, ...filter }, parts) {
      const selection = await selectDeadLetters(queuesOf(parts, queue), filter);
      const { total, by } = await countKinds(selection);
      const question = `${verb} ${counted(total, selection.what)}`;
      return { question, count: total, effect, kinds: by, moment: selection.moment };
    },
    async carryOut({ queue, ...filter }, { count, moment }, parts: ActionParts, note) {
      const selection = await selectDeadLetters(queuesOf(parts, queue), filter, moment);
      await expectNoMore(selection, count);
      return changeAll(selection.read(), selection[change], { count, doneWord: done }, note);
    },
  });
}

function queuesOf({ events }: ActionParts, name: string | undefined): ActionParts['events'] {
  const queues = events.filter((queue) => name === undefined || queue.name === name);
  if (queues.length === 0) throw new FormFault(['There is no such events queue.']);
  return queues;
}
