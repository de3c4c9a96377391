/**
 * Sends one HTTP request within a deadline, and reports whether any of it may have left. Every status is an answer.
 */
import type { Dispatcher, Pool } from 'undici';

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
  /** The body was longer than 1 MiB and was discarded. */
  readonly isTooLarge: boolean;
}

export interface HttpFailure {
  readonly kind: 'timeout' | 'network' | 'aborted' | 'unsendable';
  readonly wasSent: boolean;
  readonly cause?: Error;
}

export interface ExchangeLimits {
  /** From the call to the last byte of the answer, including the wait for a connection. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Called just before the first byte; false ends the exchange as aborted, with nothing written. */
  readonly maySend?: (() => boolean) | undefined;
}

const maxBodyBytes = 1024 * 1024;

type End = { answer: HttpAnswer } | { failure: HttpFailure };

export function exchange(pool: Pool, request: HttpRequest, limits: ExchangeLimits): Promise<End> {
  return new Promise((resolve) => {
    const handler = new Exchange(limits, resolve);
    if (handler.isSettled) return;
    pool.dispatch({ ...request, body: request.body ?? null, idempotent: false }, handler);
  });
}

/**
 * Uses undici's dispatch instead of its request(): request() delays an abort until a connection exists, and does not show whether
 * anything was written. The deadline is our own timer: undici's timeouts below a second are late, and a composite AbortSignal per request
 * would live as long as a long-lived signal.
 */
class Exchange implements Dispatcher.DispatchHandler {
  isSettled = false;
  #wasSent = false;
  #controller: Dispatcher.DispatchController | undefined;
  #head: Pick<HttpAnswer, 'status' | 'headers'> = { status: 0, headers: {} };
  #size = 0;
  readonly #chunks: Buffer[] = [];
  readonly #limits: ExchangeLimits;
  readonly #resolve: (end: End) => void;
  readonly #deadline: NodeJS.Timeout;
  /** Besides the timer: in a process that was frozen, a connection may open before the late timers fire. */
  readonly #lastMoment: number;
  readonly #onAbort = () => this.#giveUp('aborted');

  constructor(limits: ExchangeLimits, resolve: (end: End) => void) {
    const { timeoutMs, signal } = limits;
    this.#limits = limits;
    this.#resolve = resolve;
    this.#lastMoment = performance.now() + timeoutMs;
    this.#deadline = setTimeout(() => this.#giveUp('timeout'), timeoutMs);
    if (signal?.aborted === true) this.#onAbort();
    else signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** Called just before the first byte is written. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    // Given up while queued: write nothing. Called a second time: undici wants to send a request again, which only the caller may decide.
    if (this.isSettled || this.#wasSent) return controller.abort(new Error('not sent again'));
    this.#controller = controller;
    if (performance.now() > this.#lastMoment) return this.#giveUp('timeout');
    if (this.#limits.maySend?.() === false) return this.#giveUp('aborted');
    this.#wasSent = true;
  }

  /** The final answer overwrites a 1xx. */
  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: HttpAnswer['headers']): void {
    this.#head = { status, headers };
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#size += chunk.length;
    if (this.#size <= maxBodyBytes) {
      this.#chunks.push(chunk);
      return;
    }
    this.#settle({ answer: { ...this.#head, text: '', isTooLarge: true } });
    controller.abort(new Error('the answer is too large'));
  }

  onResponseEnd(): void {
    const text = new TextDecoder().decode(Buffer.concat(this.#chunks));
    this.#settle({ answer: { ...this.#head, text, isTooLarge: false } });
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    const kind = kindsByCode.get(codeOf(error)) ?? 'network';
    this.#settle({ failure: { kind, wasSent: this.#wasSent, cause: withoutContent(error) } });
  }

  #giveUp(kind: 'timeout' | 'aborted'): void {
    this.#settle({ failure: { kind, wasSent: this.#wasSent } });
    this.#controller?.abort(new Error(kind));
  }

  #settle(end: End): void {
    if (this.isSettled) return;
    this.isSettled = true;
    clearTimeout(this.#deadline);
    this.#limits.signal?.removeEventListener('abort', this.#onAbort);
    this.#resolve(end);
  }
}

const kindsByCode: ReadonlyMap<string | undefined, HttpFailure['kind']> = new Map([
  ['UND_ERR_CONNECT_TIMEOUT', 'timeout'],
  ['UND_ERR_CLOSED', 'aborted'],
  ['UND_ERR_DESTROYED', 'aborted'],
  ['UND_ERR_INVALID_ARG', 'unsendable'],
]);

/** undici's parser error carries bytes of the answer, which may hold tokens or personal data: only its text is kept. */
function withoutContent(error: Error): Error {
  const code = codeOf(error);
  const copy = new Error(error.message === '' ? (code ?? error.name) : error.message);
  return Object.assign(copy, { name: error.name }, code === undefined ? {} : { code });
}

function codeOf(error: Error): string | undefined {
  return 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
