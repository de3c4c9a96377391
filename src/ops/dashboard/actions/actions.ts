/**
 * The actions that there are. Their routes, buttons and tests come from this table.
 */
import type { Action } from './action.ts';
import { dropDeadLetters, redriveDeadLetters } from './dead-letters.ts';
import { refuseDeletions, releaseDeletions } from './deletion-limit.ts';
import { cancelDeletion, rescheduleDeletion } from './deletions.ts';
import { dropFailed, retryFailed } from './failed-jobs.ts';
import { pauseQueue, resumeQueue } from './queues.ts';

export const ACTIONS = {
  retryFailed,
  dropFailed,
  redriveDeadLetters,
  dropDeadLetters,
  cancelDeletion,
  rescheduleDeletion,
  releaseDeletions,
  refuseDeletions,
  pauseQueue,
  resumeQueue,
} as const satisfies Record<string, Action>;
