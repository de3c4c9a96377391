/**
 * What `damoov-users dead-letters` shows of a dead letter.
 */
import type { DeadLetter } from '../../bullmq/dead-letters.ts';
import type { Report } from '../common/selection-report.ts';

export const DEAD_LETTERS: Report<DeadLetter> = {
  key: 'events',
  columns: {
    queue: ({ queue }) => queue,
    type: ({ type }) => type,
    clientId: ({ clientId = '-' }) => clientId,
    UserId: ({ userId = '-' }) => userId,
    error: ({ error }) => error,
    event: ({ eventId = '-' }) => eventId,
  },
};
