/**
 * Knows whether Damoov has answered the last request that was made of it. It refuses to know what for anybody wants to know.
 */
import { DamoovError, type DamoovErrorKind } from './errors.ts';
import type { Transport } from './transport.ts';

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

  const send: Transport['send'] = async (call) => {
    try {
      const reply = await transport.send(call);
      hasAnswered = true;
      return reply;
    } catch (error) {
      if (error instanceof DamoovError && NO_ANSWER.has(error.kind)) hasAnswered = false;
      else if (error instanceof DamoovError && error.status !== undefined) hasAnswered = true;
      throw error;
    }
  };
  return {
    send,
    async expectAnswer() {
      if (hasAnswered) return;
      const path = '/v1/Management/users/find';
      try {
        await send({ operation: 'login', method: 'GET', path, needsResult: false });
      } catch (error) {
        if (!(error instanceof DamoovError) || error.status === undefined || NO_ANSWER.has(error.kind))
          throw error;
      }
    },
    close: (graceMs) => transport.close(graceMs),
  };
}

const NO_ANSWER: ReadonlySet<DamoovErrorKind> = new Set(['timeout', 'network', 'server', 'malformed']);
