/**
 * What a subscriber is told of the queue's own faults: in words of ours, and each once. BullMQ says the same thing several times, with
 * the ids of its jobs and the names of its scripts.
 */
import { RedisRefusedError, redacted } from '../redis/refusal.ts';
import { isDatabaseFault, isLostConnection } from '../redis/connection.ts';

/** Which event a fault is about, and whether it was the event's last attempt. */
export interface FaultyEvent {
  id: string;
  type: string;
  isGivenUp: boolean;
}

/** This subscriber gave no sign of life for as long as its lock lasts, or Redis has lost the lock: another one may have the event. */
export class DeliveryLostError extends Error {
  override readonly name = 'DeliveryLostError';

  constructor() {
    super(
      'the delivery may have gone to another subscriber: its lock is lost. The event may be handed over once more',
    );
  }
}

export interface QueueFaults {
  /** An event is handed over. */
  begin(jobId: string, event: FaultyEvent): void;
  /** Nothing more is said of it. */
  forget(jobId: string): void;
  /** The lock of these jobs is lost. */
  lose(jobIds: readonly string[]): void;
  /** What BullMQ reports as an error. */
  report(error: unknown): void;
}

/** @param tell told each fault once. */
export function createQueueFaults(tell: (error: unknown, event?: FaultyEvent) => void): QueueFaults {
  const deliveries = new Map<string, FaultyEvent>();
  let refusal: string | undefined;

  function lose(jobId: string): void {
    const event = deliveries.get(jobId);
    deliveries.delete(jobId);
    if (event !== undefined) tell(new DeliveryLostError(), event);
  }

  return {
    begin(jobId, event) {
      // That a job came says that Redis refuses no longer.
      refusal = undefined;
      deliveries.set(jobId, event);
    },
    forget: (jobId) => void deliveries.delete(jobId),
    lose: (jobIds) => jobIds.forEach(lose),
    report(error) {
      // While Redis is away the connection has said so once; BullMQ would say it several times a second.
      if (isLostConnection(error) || isDatabaseFault(error)) return;
      const [, jobId] = (error instanceof Error && LOST.exec(error.message)) || [];
      if (jobId !== undefined) return lose(jobId);
      const told = redacted(error);
      if (told instanceof RedisRefusedError) {
        // Of a wrong user or password the connection has said so itself, with host and port.
        if (told.code === refusal || told.code === 'WRONGPASS' || told.code === 'NOAUTH') return;
        refusal = told.code;
      }
      tell(told);
    },
  };
}

/** What BullMQ says where a job is no longer this worker's. */
const LOST =
  /^(?:could not renew lock for job|Missing (?:lock|key) for job|Lock mismatch for job|Job) (\S+?)(?:\. .*| is not in the active state.*)?$/;
