/**
 * Reports the queue's own faults to a subscriber, each once and in our own words. BullMQ repeats them, with job ids and script names.
 */
import { RedisRefusedError, redacted } from '../redis/refusal.ts';
import { isDatabaseFault, isLostConnection } from '../redis/connection.ts';

/** The event of a fault, and whether it was the event's last attempt. */
export interface FaultyEvent {
  id: string;
  type: string;
  isGivenUp: boolean;
}

/** This subscriber did not renew its lock in time, or Redis lost the lock: another subscriber may have the event. */
export class DeliveryLostError extends Error {
  override readonly name = 'DeliveryLostError';

  constructor() {
    super(
      'the delivery may have gone to another subscriber: its lock is lost. The event may be delivered again',
    );
  }
}

export interface QueueFaults {
  begin(jobId: string, event: FaultyEvent): void;
  forget(jobId: string): void;
  lose(jobIds: readonly string[]): void;
  report(error: unknown): void;
}

/** @param report called once for each fault. */
export function createQueueFaults(report: (error: unknown, event?: FaultyEvent) => void): QueueFaults {
  const deliveries = new Map<string, FaultyEvent>();
  let refusal: string | undefined;

  function lose(jobId: string): void {
    const event = deliveries.get(jobId);
    deliveries.delete(jobId);
    if (event !== undefined) report(new DeliveryLostError(), event);
  }

  return {
    begin(jobId, event) {
      // A job arrived, so Redis no longer refuses.
      refusal = undefined;
      deliveries.set(jobId, event);
    },
    forget: (jobId) => void deliveries.delete(jobId),
    lose: (jobIds) => jobIds.forEach(lose),
    report(error) {
      // The connection has reported once that Redis is down; BullMQ repeats it several times a second.
      if (isLostConnection(error) || isDatabaseFault(error)) return;
      const [, jobId] = (error instanceof Error && LOST.exec(error.message)) || [];
      if (jobId !== undefined) return lose(jobId);
      const shown = redacted(error);
      if (shown instanceof RedisRefusedError) {
        // The connection itself reports a wrong user or password, with host and port.
        if (shown.code === refusal || shown.code === 'WRONGPASS' || shown.code === 'NOAUTH') return;
        refusal = shown.code;
      }
      report(shown);
    },
  };
}

/** BullMQ's messages for a job that this worker no longer owns. */
const LOST =
  /^(?:could not renew lock for job|Missing (?:lock|key) for job|Lock mismatch for job|Job) (\S+?)(?:\. .*| is not in the active state.*)?$/;
