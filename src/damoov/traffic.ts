/**
 * Admits each request before it is sent, and reports the end of each exchange. The port decides the rate.
 */
import { DamoovError } from './errors.ts';
import type { DamoovErrorKind, DamoovOperation } from './errors.ts';
import { failure } from './transport.ts';
import type { Call, Transport } from './transport.ts';

/** A request that waits for its admission. */
export interface Departure {
  readonly operation: DamoovOperation;
  /** Fires when no caller waits for the answer any more: the wait ends at once, and its result does not count. */
  readonly signal: AbortSignal;
}

export type Admission =
  { readonly admitted: true } | { readonly admitted: false; readonly retryAfterMs: number };

/** How an exchange ended: with a status if it was answered, with a kind if it failed. */
export interface Arrival {
  readonly operation: DamoovOperation;
  readonly kind?: DamoovErrorKind | undefined;
  readonly status?: number | undefined;
  readonly retryAfterMs?: number | undefined;
  /** Whether part of the request may have left this process. */
  readonly wasSent: boolean;
  /** From the admission to the end, in milliseconds. */
  readonly durationMs: number;
}

/** All requests that share a limit. A fleet shares one. */
export interface Traffic {
  /**
   * Resolves once the request may be sent, or to a refusal. Called before every request, including logins, refreshes and the repetition
   * with a renewed session. The wait is not part of the request's deadline.
   */
  admit(departure: Departure): Promise<Admission>;
  /** Called once for each admitted request, even if it was then never sent. */
  answered(arrival: Arrival): void;
}

/** A transport whose requests wait for their admission; a refused one is `rate-limited`, unsent. */
export function withTraffic(transport: Transport, traffic: Traffic): Transport {
  const waiting = new Set<AbortController>();
  let isClosed = false;

  return {
    place: transport.place,
    async send(call) {
      await enter(call);
      const leftAt = performance.now();
      const report = (end: End) =>
        traffic.answered({ operation: call.operation, durationMs: performance.now() - leftAt, ...end });
      try {
        const reply = await transport.send(call);
        report({ status: reply.status, wasSent: true });
        return reply;
      } catch (error) {
        report(error instanceof DamoovError ? endOf(error) : { wasSent: false });
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
      // Admitted anyway: the transport sees the aborted signal, and the traffic gets its end.
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

/** At most this many requests run in parallel; the others wait in order of arrival, before their deadline begins. */
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
    // A request whose caller no longer waits enters at once, is reported as not sent, and leaves.
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
