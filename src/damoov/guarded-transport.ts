/**
 * A transport that checks whether Damoov answered the last request, and whether the API exists at the base URL.
 */
import { DamoovError, type DamoovOperation } from './errors.ts';
import { type Call, type Transport, NO_ANSWER, failure } from './transport.ts';

export interface GuardedTransport extends Transport {
  /**
   * If the last request got no answer from Damoov, sends a request that changes nothing: a find without a token, which is a 401
   * (documented). Call it before a request that must not be sent into an outage.
   *
   * @throws DamoovError if there is still no answer: `timeout`, `network`, `server`, `malformed`.
   */
  expectAnswer(): Promise<void>;
}

export function guarded(transport: Transport): GuardedTransport {
  let hasAnswered = true;
  /** A wrong key may also be answered with 404; any other answer proves that the API exists. */
  let isFound = false;

  const send: Transport['send'] = async (call) => {
    try {
      const reply = await transport.send(call);
      hasAnswered = true;
      isFound = true;
      return reply;
    } catch (error) {
      if (error instanceof DamoovError && NO_ANSWER.has(error.kind)) hasAnswered = false;
      else if (error instanceof DamoovError && error.status !== undefined) hasAnswered = true;
      if (!(error instanceof DamoovError) || !(await isApiMissing(call, error))) throw error;
      throw failure(call, { kind: 'wrong-base-url', status: 404, place: transport.place, wasSent: true });
    }
  };
  /** Whether the API is missing: this request also gets a 404, where the API would answer 401. */
  async function isApiMissing({ operation, signal, maySend }: Call, fault: DamoovError): Promise<boolean> {
    if (fault.status !== 404) isFound ||= isAnswer(fault);
    // An HTML page comes from a proxy and proves nothing.
    if (fault.kind !== 'not-found' || isFound || !WITHOUT_SESSION.has(operation)) return false;
    try {
      await transport.send({ ...ANY_REQUEST, operation: 'find', signal, maySend });
      isFound = true;
    } catch (error) {
      if (error instanceof DamoovError && error.status === 404) return true;
      isFound = error instanceof DamoovError && isAnswer(error);
    }
    return false;
  }

  return {
    place: transport.place,
    send,
    async expectAnswer() {
      if (hasAnswered) return;
      try {
        await send({ ...ANY_REQUEST, operation: 'login' });
      } catch (error) {
        if (!(error instanceof DamoovError) || error.status === undefined || NO_ANSWER.has(error.kind))
          throw error;
      }
    },
    close: (graceMs) => transport.close(graceMs),
  };
}

/** A find without a token, which is a 401 (documented). */
const ANY_REQUEST = { method: 'GET', path: '/v1/Management/users/find', needsResult: false } as const;

/** Operations that can be sent first, without a session. */
const WITHOUT_SESSION: ReadonlySet<DamoovOperation> = new Set(['create', 'login']);

function isAnswer({ status, kind }: DamoovError): boolean {
  return status !== undefined && !NO_ANSWER.has(kind);
}
