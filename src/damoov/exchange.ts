/**
 * Knows how one HTTP request is written and one answer is read, within a deadline and under a signal, and whether any of
 * the request may have left. It refuses to know what the request means: every status is an answer, and nothing is repeated.
 */
import type { Dispatcher, Pool } from 'undici';

/** A request as it goes onto the wire. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  /** The body was longer than 1 MiB, and what came of it was thrown away. */
  readonly isTooLarge: boolean;
}

export interface HttpFailure {
  readonly kind: 'timeout' | 'network' | 'aborted' | 'unsendable';
  readonly wasSent: boolean;
  readonly cause?: Error;
}

export interface ExchangeLimits {
  /** From now to the last byte of the answer, the wait for a connection included. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Asked just before the first byte; false ends the exchange as aborted, with nothing written. */
  readonly maySend?: (() => boolean) | undefined;
}

const maxBodyBytes = 1024 * 1024;

/**
 * Sends one request and never rejects.
 *
 * It speaks to undici's dispatch rather than to its request(): request() holds back an abort until a connection stands,
 * and does not tell whether anything was written. The deadline is a timer of our own: undici's timeouts below a second
 * are late, and a composite AbortSignal for each request would live on with a long-lived signal.
 */
export function exchange(
  pool: Pool,
  request: HttpRequest,
  { timeoutMs, signal, maySend = () => true }: ExchangeLimits,
): Promise<{ answer: HttpAnswer } | { failure: HttpFailure }> {
  return new Promise((resolve) => {
    let isSettled = false;
    let wasSent = false;
    let controller: Dispatcher.DispatchController | undefined;
    let head: Pick<HttpAnswer, 'status' | 'headers'> = { status: 0, headers: {} };
    let size = 0;
    const chunks: Buffer[] = [];

    const settle = (end: { answer: HttpAnswer } | { failure: HttpFailure }) => {
      if (isSettled) return;
      isSettled = true;
      clearTimeout(deadline);
      signal?.removeEventListener('abort', onAbort);
      resolve(end);
    };
    const giveUp = (kind: 'timeout' | 'aborted') => {
      settle({ failure: { kind, wasSent } });
      controller?.abort(new Error(kind));
    };
    const onAbort = () => giveUp('aborted');
    // Besides the timer: in a process that was frozen a connection may open before its late timers fire.
    const lastMoment = performance.now() + timeoutMs;
    const deadline = setTimeout(() => giveUp('timeout'), timeoutMs);
    if (signal?.aborted === true) return onAbort();
    signal?.addEventListener('abort', onAbort, { once: true });

    pool.dispatch(
      { ...request, body: request.body ?? null, idempotent: false },
      {
        onRequestStart(started) {
          // Called just before the first byte is written. Given up while queued: write nothing. Called a second time:
          // undici wants to send again what it has sent before, and that is never ours to allow.
          if (isSettled || wasSent) return started.abort(new Error('not sent again'));
          const refusal = performance.now() > lastMoment ? 'timeout' : maySend() ? undefined : 'aborted';
          if (refusal !== undefined) {
            settle({ failure: { kind: refusal, wasSent } });
            return started.abort(new Error(refusal));
          }
          wasSent = true;
          controller = started;
        },
        onResponseStart(_controller, status, headers) {
          // A 1xx is overwritten by the answer that follows it.
          head = { status, headers };
        },
        onResponseData(responding, chunk) {
          size += chunk.length;
          if (size <= maxBodyBytes) {
            chunks.push(chunk);
            return;
          }
          settle({ answer: { ...head, text: '', isTooLarge: true } });
          responding.abort(new Error('the answer is too large'));
        },
        onResponseEnd() {
          const text = new TextDecoder().decode(Buffer.concat(chunks));
          settle({ answer: { ...head, text, isTooLarge: false } });
        },
        onResponseError(_controller, error) {
          settle({
            failure: {
              kind: kindsByCode.get(codeOf(error)) ?? 'network',
              wasSent,
              cause: withoutContent(error),
            },
          });
        },
      },
    );
  });
}

const kindsByCode: ReadonlyMap<string | undefined, HttpFailure['kind']> = new Map([
  ['UND_ERR_CONNECT_TIMEOUT', 'timeout'],
  ['UND_ERR_CLOSED', 'aborted'],
  ['UND_ERR_DESTROYED', 'aborted'],
  ['UND_ERR_INVALID_ARG', 'unsendable'],
]);

/** undici's parser error carries bytes of the answer, which may hold tokens or a person's data: only the words are kept. */
function withoutContent(error: Error): Error {
  const code = codeOf(error);
  const copy = new Error(error.message === '' ? (code ?? error.name) : error.message);
  return Object.assign(copy, { name: error.name }, code === undefined ? {} : { code });
}

function codeOf(error: Error): string | undefined {
  return 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
