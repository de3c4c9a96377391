/**
 * Redrives or drops dead letters: one, or all of a filter.
 */
import { z } from 'zod';
import { type LetterFilter, selectDeadLetters } from '../../../bullmq/selected-letters.ts';
import type { Moment } from '../../../bullmq/selection.ts';
import { EVENT_TYPES } from '../../../contract/event.ts';
import { UNKNOWN } from '../../../contract/job.ts';
import { InputFault } from '../input-fault.ts';
import { type ActionParts, Age, Id } from './action.ts';
import { selectionAction } from './selection-action.ts';

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

export const redriveDeadLetters = selectionAction({
  command: 'dead-letters redrive',
  does: 'retry',
  verb: 'Redrive',
  done: 'redriven',
  effect: 'Their subscribers get them once more, with fresh attempts.',
  filter: Filter,
  select,
});

export const dropDeadLetters = selectionAction({
  command: 'dead-letters drop',
  does: 'drop',
  verb: 'Drop',
  done: 'dropped',
  effect: 'They are removed for ever: their subscribers never get them.',
  filter: Filter,
  select,
});

function select(parts: ActionParts, { queue, ...filter }: z.output<typeof Filter>, moment?: Moment) {
  return selectDeadLetters(queuesOf(parts, queue), filter, moment);
}

function queuesOf({ events }: ActionParts, name: string | undefined): ActionParts['events'] {
  const queues = events.filter((queue) => name === undefined || queue.name === name);
  if (queues.length === 0) throw new InputFault(['There is no such events queue.']);
  return queues;
}
