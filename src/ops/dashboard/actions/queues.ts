/**
 * Pauses or resumes a queue for the whole fleet.
 */
import { z } from 'zod';
import { setPaused } from '../../../bullmq/pause-queue.ts';
import { counted } from '../words.ts';
import { InputFault } from '../input-fault.ts';
import { type Action, type ActionParts, Id, actionOf } from './action.ts';

const Filter = z.strictObject({ queue: Id });

const WORDS = {
  pause: {
    verb: 'Pause',
    effect: 'No worker takes anything from it any more. What is under way ends, and producers go on adding.',
  },
  resume: { verb: 'Resume', effect: 'Workers take from it again.' },
};

export const pauseQueue = queueAction('pause');
export const resumeQueue = queueAction('resume');

function queueAction(does: keyof typeof WORDS): Action {
  const { verb, effect } = WORDS[does];
  return actionOf({
    name: `queue-${does}`,
    command: `queue ${does}`,
    button: verb,
    filter: Filter,
    async plan({ queue: name }, parts) {
      const queue = queueOf(parts, name);
      const now = (await queue.isPaused()) ? 'It is paused now. ' : '';
      return { question: `${verb} the queue ${queue.name}`, count: 1, effect: now + effect };
    },
    async carryOut({ queue: name }, _confirmed, parts) {
      const queue = queueOf(parts, name);
      const { isPaused, isUnchanged, waiting, active } = await setPaused(queue, does === 'pause');
      const how = `${isUnchanged ? 'was already' : 'is now'} ${isPaused ? 'paused' : 'running'}`;
      const text = `${queue.name} ${how}: ${counted(waiting, 'job')} waiting, ${active} active.`;
      return { isWhole: true, text };
    },
  });
}

/** BullMQ would pause a queue of any name: a wrong one must not look paused. */
function queueOf({ jobs, events }: ActionParts, name: string): ActionParts['jobs'] {
  const queue = [jobs, ...events].find((one) => one.name === name);
  if (queue === undefined) throw new InputFault(['There is no such queue.']);
  return queue;
}
