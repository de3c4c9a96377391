/**
 * The package `damoov-user-lifecycle`: for services that add jobs and services that listen to their events.
 */
export type { JobResult, UserEvent, EventOf, EventType } from './contract/event.ts';
export { JOB_NAMES, type JobName } from './contract/job.ts';
export { FAILURE_CODES, type FailureCode } from './contract/outcome.ts';
export type { Receipt } from './contract/receipt.ts';
export { DeliveryLostError, type FaultyEvent } from './client/queue-faults.ts';
export {
  UserEvents,
  type EventDelivery,
  type EventHandler,
  type UserEventsOptions,
} from './client/user-events.ts';
export type { CreateManyOptions, CreateUserRow } from './client/create-many.ts';
export { ResultUnknownError } from './client/job-result.ts';
export { ClosedError } from './client/redis-link.ts';
export {
  InvalidJobError,
  type AddOptions,
  type CreateUser,
  type DeleteUser,
  type DeleteOptions,
  type Due,
  type MoveUser,
  type OfUser,
  type UpdateUser,
} from './client/requests.ts';
export { ResultTimeoutError, type ResultOptions } from './client/results.ts';
export {
  UserJobs,
  type AddedJob,
  type ScheduledDeletion,
  type UserJobsApi,
  type UserJobsOptions,
} from './client/user-jobs.ts';
export { RedisAwayError, type HostPort, type RedisTarget } from './redis/connection.ts';
export { RedisRefusedError } from './redis/refusal.ts';
export type { Cancellation, DeletionOf } from './store/deletions/deletions.ts';
