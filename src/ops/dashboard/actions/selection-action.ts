/**
 * An action over what is selected of failed sets: failed jobs, and dead letters.
 */
import type { z } from 'zod';
import { type Moment, type Selection, countKinds, expectNoMore } from '../../../bullmq/selection.ts';
import { counted } from '../words.ts';
import { type Action, type ActionParts, actionOf } from './action.ts';
import { changeAll } from './change-all.ts';

export interface SelectionAction<Filter extends object, One> {
  /** Such as `dead-letters redrive`. */
  command: string;
  does: 'retry' | 'drop';
  /** `Retry`. */
  verb: string;
  /** `retried`. */
  done: string;
  /** What will happen, in a sentence. */
  effect: string;
  filter: z.ZodType<Filter>;
  /** @param moment selects the same once more. */
  select: (parts: ActionParts, filter: Filter, moment?: Moment) => Promise<Selection<One>>;
}

export function selectionAction<Filter extends object, One>(action: SelectionAction<Filter, One>): Action {
  const { command, does, verb, done, effect, filter: schema, select } = action;
  return actionOf({
    name: command.replace(' ', '-'),
    command,
    button: verb,
    filter: schema,
    async plan(filter, parts) {
      const selection = await select(parts, filter);
      const { total, by } = await countKinds(selection);
      const question = `${verb} ${counted(total, selection.what)}`;
      return { question, count: total, effect, kinds: by, moment: selection.moment };
    },
    async carryOut(filter, { count, moment }, parts, note) {
      const selection = await select(parts, filter, moment);
      await expectNoMore(selection, count);
      return changeAll(selection.read(), selection[does], { count, done }, note);
    },
  });
}
