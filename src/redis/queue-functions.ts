/**
 * BullMQ's own scripts as Lua functions, so that our keys and its queues change in one step. Each is told the base of a queue's keys
 * and its arguments, and builds the keys itself: most calls need few of them, and all lie in one slot.
 */
// No public entry of the package: the version is pinned, and a test holds the keys against those that BullMQ sends.
import { addDelayedJob } from 'bullmq/dist/esm/scripts/addDelayedJob-6.js';
import { addPrioritizedJob } from 'bullmq/dist/esm/scripts/addPrioritizedJob-9.js';
import { addStandardJob } from 'bullmq/dist/esm/scripts/addStandardJob-9.js';
import { changeDelay } from 'bullmq/dist/esm/scripts/changeDelay-4.js';
import { moveToDelayed } from 'bullmq/dist/esm/scripts/moveToDelayed-11.js';
import { moveToFinished } from 'bullmq/dist/esm/scripts/moveToFinished-14.js';
import { promote } from 'bullmq/dist/esm/scripts/promote-9.js';
import { removeJob } from 'bullmq/dist/esm/scripts/removeJob-2.js';
import { reprocessJob } from 'bullmq/dist/esm/scripts/reprocessJob-9.js';

/**
 * `name(base, arguments)`.
 * @param keys their names in the queue; `#1` is the key of the job whose id is the first argument.
 */
function functionOf({ name, content }: { name: string; content: string }, keys: string): string {
  const all = keys
    .split(' ')
    .map((key) => (key.startsWith('#') ? `base .. ARGV[${key.slice(1)}]` : `base .. '${key}'`));
  return `local function ${name}(base, ARGV)\nlocal KEYS = { ${all.join(', ')} }\n${content}\nend`;
}

/** In Lua, by their names; `moveToFinished` of jobs that complete, `reprocessJob` of failed ones. */
export const QUEUE_FUNCTIONS = {
  addDelayedJob: functionOf(addDelayedJob, 'marker meta id delayed completed events'),
  addPrioritizedJob: functionOf(
    addPrioritizedJob,
    'marker meta id prioritized delayed completed active events pc',
  ),
  addStandardJob: functionOf(addStandardJob, 'wait paused meta id completed delayed active events marker'),
  changeDelay: functionOf(changeDelay, 'delayed meta marker events'),
  moveToDelayed: functionOf(
    moveToDelayed,
    'marker active prioritized delayed #3 events meta stalled wait limiter pc',
  ),
  moveToFinished: functionOf(
    moveToFinished,
    'wait active prioritized events stalled limiter delayed paused meta pc completed #1 metrics:completed marker',
  ),
  promote: functionOf(promote, 'delayed wait paused meta prioritized active pc events marker'),
  removeJob: functionOf(removeJob, '#1 repeat'),
  reprocessJob: functionOf(reprocessJob, '#1 events failed wait meta active marker prioritized pc'),
};
