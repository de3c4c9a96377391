/**
 * Asks before each request leaves, and reports the end of each exchange. How fast is too fast is decided behind the port.
 */
import { DamoovError } from './errors.ts';
import type { DamoovErrorKind, DamoovOperation } from './errors.ts';
import { failure } from './transport.ts';
import type { Call, Transport } from './transport.ts';

/** A request that wants to leave. */
export interface Departure {
  readonly operation: DamoovOperation;
  /** Fires when no caller waits for the answer any more: the wait ends at once, and what it resolves to does not count. */
  readonly signal: AbortSignal;
}

export type Admission =
  { readonly admitted: true } | { readonly admitted: false; readonly retryAfterMs: number };

/** How an exchange ended. With a status it was answered, with a kind it failed. */
export interface Arrival {
  readonly operation: DamoovOperation;
  readonly kind?: DamoovErrorKind | undefined;
  readonly status?: number | undefined;
  readonly retryAfterMs?: number | undefined;
  /** Whether some of the request may have left this process. */
  readonly wasSent: boolean;
  /** From the admission to the end, in milliseconds. */
  readonly durationMs: number;
}

/** All requests that share a limit. A fleet shares one. */
export interface Traffic {
  /**
   * Resolves once the request may leave, or to a refusal. Asked before every request: logins, refreshes and the one that
   * is sent again with a renewed session included. The wait is not part of the request's deadline.
   */
  admit(departure: Departure): Promise<Admission>;
  /** Called once for each admitted request, even if it was then never sent. */
  answered(arrival: Arrival): void;
}

/** A transport whose requests wait until they are admitted; one that is refused is `rate-limited`, unsent. */
export function withTraffic(transport: Transport, traffic: Traffic): Transport {
  const waiting = new Set<AbortController>();
  let isClosed = false;

  return {
    place: transport.place,
    async send(call) {
      await enter(call);
      const leftAt = performance.now();
      const tell = (end: End) =>
        traffic.answered({ operation: call.operation, durationMs: performance.now() - leftAt, ...end });
      try {
        const reply = await transport.send(call);
        tell({ status: reply.status, wasSent: true });
        return reply;
      } catch (error) {
        tell(error instanceof DamoovError ? endOf(error) : { wasSent: false });
        throw error;
      }
    },
    close(graceMs) {
      isClosed = true;
      for (const wait of waiting) wait.abort();
      return transport.close(graceMs);
    },
  };

  async function enter(call: Call): Promise<void> {
    const wait = new AbortController();
    const { signal } = wait;
    const onAbort = () => wait.abort();
    if (isClosed || call.signal?.aborted === true) throw failure(call, { kind: 'aborted', wasSent: false });
    call.signal?.addEventListener('abort', onAbort, { once: true });
    waiting.add(wait);
    try {
      const admission = await traffic.admit({ operation: call.operation, signal });
      // Admitted all the same: the transport finds the signal fired, and the traffic is told that it has ended.
      if (admission.admitted) return;
      if (signal.aborted) throw failure(call, { kind: 'aborted', wasSent: false });
      const { retryAfterMs } = admission;
      throw failure(call, { kind: 'rate-limited', reason: REFUSED, retryAfterMs, wasSent: false });
    } finally {
      waiting.delete(wait);
      call.signal?.removeEventListener('abort', onAbort);
    }
  }
}

const REFUSED = 'was held back: the fleet may not send more for now';

type End = Pick<Arrival, 'kind' | 'status' | 'retryAfterMs' | 'wasSent'>;

function endOf({ kind, status, retryAfterMs, wasSent }: DamoovError): End {
  return { kind, status, retryAfterMs, wasSent };
}

/** At most so many requests are under way at once; the others wait in the order in which they came, before their deadline begins. */
export function atMostInFlight(most: number, traffic: Traffic): Traffic {
  const waiting = new Set<() => void>();
  let inFlight = 0;

  const enter = async (signal: AbortSignal): Promise<void> => {
    if (inFlight < most || signal.aborted) {
      inFlight += 1;
      return;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    const enters = () => {
      if (!waiting.delete(enters)) return;
      inFlight += 1;
      resolve();
    };
    waiting.add(enters);
    // One that is not waited for any more enters at once, is told that it was not sent, and leaves.
    signal.addEventListener('abort', enters, { once: true });
    await promise;
  };
  const leave = () => {
    inFlight -= 1;
    const [next] = waiting;
    if (inFlight < most) next?.();
  };

  return {
    async admit(departure) {
      await enter(departure.signal);
      const admission = await traffic.admit(departure).catch((error: unknown) => {
        leave();
        throw error;
      });
      if (!admission.admitted) leave();
      return admission;
    },
    answered(arrival) {
      leave();
      traffic.answered(arrival);
    },
  };
}
