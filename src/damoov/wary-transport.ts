/**
 * Whether Damoov has answered the last request, and whether there is a Damoov at the base URL at all.
 */
import { DamoovError, type DamoovOperation } from './errors.ts';
import { type Call, type Transport, NO_ANSWER, failure } from './transport.ts';

export interface WaryTransport extends Transport {
  /**
   * After a request that got no answer of Damoov's own, asks for one with a request that costs nothing, a find without a token,
   * which is a 401 (documented). For whoever has something to lose by sending into an outage.
   *
   * @throws DamoovError where there is still none: `timeout`, `network`, `server`, `malformed`.
   */
  expectAnswer(): Promise<void>;
}

export function wary(transport: Transport): WaryTransport {
  let hasAnswered = true;
  /** A wrong key may be answered with 404 as well; another answer proves that the API is there. */
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
      if (!(error instanceof DamoovError) || !(await isMisplaced(call, error))) throw error;
      throw failure(call, { kind: 'wrong-base-url', status: 404, place: transport.place, wasSent: true });
    }
  };
  /** Whether the API is missing: the same 404 comes for a request that is a 401 where it is there. */
  async function isMisplaced({ operation, signal, maySend }: Call, told: DamoovError): Promise<boolean> {
    if (told.status !== 404) isFound ||= isAnswer(told);
    // A page is of somebody in between: nothing is decided.
    if (told.kind !== 'not-found' || isFound || !WITHOUT_SESSION.has(operation)) return false;
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

/** What is sent first, and needs no session. */
const WITHOUT_SESSION: ReadonlySet<DamoovOperation> = new Set(['create', 'login']);

function isAnswer({ status, kind }: DamoovError): boolean {
  return status !== undefined && !NO_ANSWER.has(kind);
}
