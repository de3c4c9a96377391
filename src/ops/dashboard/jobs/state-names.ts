/**
 * The names of states, as the pages show them.
 */
import type { OpenJob } from '../../../store/users/open-job.ts';
import type { State } from './job-list.ts';

export const STATE_NAMES: Record<State, string> = {
  waiting: 'Waiting',
  active: 'Active',
  blocked: 'Blocked',
  held: 'Held',
  delayed: 'Delayed',
  'waiting-children': 'Waiting for children',
  failed: 'Failed',
  completed: 'Completed',
};

export const WHY_NAMES: Record<OpenJob['is'], string> = {
  running: 'runs',
  blocked: 'blocked',
  held: 'held',
  wait: 'waits',
  retry: 'tried again',
};
