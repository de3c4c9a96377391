/**
 * The dead letters of an events queue: events that its subscriber gave up. Reports the ids and the type of an event, never its tokens.
 */
import type { Queue } from 'bullmq';
import { z } from 'zod';
import { EVENT_TYPES, type EventType } from '../contract/event.ts';
import { UNKNOWN } from '../contract/job.ts';
import { type FailedSet, createFailedSet } from './failed-set.ts';
import type { StoredJob } from './read-job.ts';

export interface DeadLetter {
  /** The events queue, one for each subscribing service. */
  queue: string;
  /** Id of its entry in that queue. */
  jobId: string;
  /** `unknown` if it is no event of this version. */
  type: EventType | typeof UNKNOWN;
  eventId?: string | undefined;
  clientId?: string | undefined;
  userId?: string | undefined;
  instance?: string | undefined;
  /** The name of the subscriber's error; `unknown` if it may quote the event. */
  error: string;
  /** How often it was delivered. */
  attempts: number;
  /** Epoch milliseconds; NaN if only the id is left, or it cannot be read. */
  failedAt: number;
}

export type DeadLetters = FailedSet<DeadLetter>;

export function createDeadLetters(events: Queue): DeadLetters {
  return createFailedSet(events, {
    describe: (jobId, job): DeadLetter => {
      const { failedReason = '', attemptsMade = 0, finishedOn = NaN } = job ?? {};
      return {
        queue: events.name,
        jobId,
        ...eventIn(job),
        error: ERROR_NAME.test(failedReason) ? failedReason : UNKNOWN,
        attempts: attemptsMade || 0,
        failedAt: finishedOn,
      };
    },
  });
}

const ERROR_NAME = /^[A-Z]\w{0,60}$/;

const id = z.string().optional().catch(undefined);
const Event = z.object({
  id,
  type: z.enum(EVENT_TYPES),
  data: z.object({ clientId: id, userId: id, instance: id }),
});

function eventIn(
  job: StoredJob | undefined,
): Pick<DeadLetter, 'type' | 'eventId' | 'clientId' | 'userId' | 'instance'> {
  try {
    const { id: eventId, type, data } = Event.parse(JSON.parse(job?.data ?? ''));
    return { type, eventId, ...data };
  } catch {
    return { type: UNKNOWN };
  }
}
