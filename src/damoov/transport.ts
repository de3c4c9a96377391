/**
 * Interprets an HTTP answer of Damoov: status first, then the envelope's own Status, then its Result.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';
import { type Envelope, readEnvelope } from './envelope.ts';
import { DamoovError } from './errors.ts';
import type { DamoovErrorDetails, DamoovErrorKind, DamoovOperation } from './errors.ts';
import { exchange } from './exchange.ts';
import type { HttpAnswer, HttpRequest } from './exchange.ts';
import { redactedFaults } from './known-words.ts';

/** One request to Damoov, with what its errors need. */
export interface Call {
  readonly operation: DamoovOperation;
  /** The user in an error: an id or a neutral phrase. */
  readonly subject?: string | undefined;
  readonly method: HttpRequest['method'];
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: object;
  /** Whether an answer must have a Result; an update and a deletion answer without (documented). */
  readonly needsResult: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly maySend?: (() => boolean) | undefined;
  /** Called with every raw answer; it may contain tokens and personal data. */
  readonly onAnswer?: ((answer: HttpAnswer) => void | Promise<void>) | undefined;
}

/** A 2xx. */
export interface Reply {
  readonly status: number;
  /** Undefined if there was no Result. */
  readonly result: unknown;
}

export interface Transport {
  /** Host, port and path of the base URL, for messages. */
  readonly place: string;
  /** @throws DamoovError for everything that is not a 2xx in status and envelope. */
  send(call: Call): Promise<Reply>;
  close(graceMs: number): Promise<void>;
}

export interface TransportOptions {
  readonly baseUrl: string;
  readonly timeoutMs: number;
  readonly connections: number;
  readonly now: () => number;
}

/**
 * A pool of HTTP/1.1 connections to one host.
 * Behaviour of undici 8, from its source: a request that was not written goes to another connection if its own breaks, whatever its
 * method. A written request is never sent again over HTTP/1.1 without pipelining, idempotent or not; a keep-alive connection that the
 * server closed at that moment gives `network` with `wasSent`. Over HTTP/2 undici retries by itself (REFUSED_STREAM, GOAWAY): hence
 * HTTP/1.1 only.
 */
export function openTransport({ baseUrl, timeoutMs, connections, now }: TransportOptions): Transport {
  const url = new URL(baseUrl);
  const prefix = url.pathname.replace(/(?<!\/)\/+$/, '');
  const place = `${hostAndPort(url)}${prefix}`;
  const pool = new Pool(url.origin, {
    connections,
    pipelining: 1,
    allowH2: false,
    // Each exchange has its own deadline. Only the connection attempt has a limit here, so that none outlives a call.
    headersTimeout: 0,
    bodyTimeout: 0,
    connectTimeout: timeoutMs,
  });

  return {
    place,
    async send(call) {
      const request = toRequest(call, prefix);
      const end = await exchange(pool, request, { timeoutMs, signal: call.signal, maySend: call.maySend });
      if ('answer' in end) {
        await call.onAnswer?.(end.answer);
        return readReply(end.answer, { ...call, place }, now());
      }
      const { kind, wasSent, cause } = end.failure;
      if (kind === 'unsendable') {
        throw failure(call, { kind: 'rejected', reason: 'cannot be written as HTTP', wasSent, cause });
      }
      throw failure(call, { kind, wasSent, cause, ...(kind !== 'aborted' && { place }) });
    },
    close: (graceMs) => closePool(pool, graceMs),
  };
}

/** Includes the port even if the URL omits it. */
export function hostAndPort({ hostname, port, protocol }: URL): string {
  return `${hostname}:${port === '' ? PORTS.get(protocol) : port}`;
}

const PORTS: ReadonlyMap<string, string> = new Map([
  ['http:', '80'],
  ['https:', '443'],
]);

function toRequest({ method, path, headers, body }: Call, prefix: string): HttpRequest {
  return {
    method,
    path: `${prefix}${path}`,
    headers: {
      accept: 'application/json',
      'user-agent': 'damoov-user-lifecycle',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    body: body === undefined ? undefined : JSON.stringify(body),
  };
}

function readReply(answer: HttpAnswer, call: Call & { place: string }, nowMs: number): Reply {
  const envelope = readEnvelope(answer.text);
  const fail = (kind: DamoovErrorKind, status: number) =>
    failure(call, {
      kind,
      status,
      ...(NO_ANSWER.has(kind) && { place: call.place }),
      wasSent: true,
      retryAfterMs: readRetryAfterMs([answer.headers['retry-after']].flat()[0], nowMs),
      errors: redactedFaults(envelope?.errors ?? []),
    });

  if (!isSuccess(answer.status)) {
    throw fail(isFromGateway(answer, envelope) ? 'server' : errorKind(answer.status), answer.status);
  }
  // Handled by shipped clients: a success with no body at all.
  if (answer.text.trim() === '' && !answer.isTooLarge && !call.needsResult) {
    return { status: answer.status, result: undefined };
  }
  if (envelope === undefined) throw fail('malformed', answer.status);
  // Seen in four shipped clients: the real error under HTTP 200.
  const status = envelope.status ?? answer.status;
  if (!isSuccess(status)) throw fail(errorKind(status), status);
  if (call.needsResult && (envelope.result ?? undefined) === undefined) throw fail('no-result', status);
  return { status, result: envelope.result };
}

/**
 * A redirect, or a page instead of an envelope, comes from a proxy, a firewall or a maintenance page and proves nothing about the user.
 * Without a body the status is Damoov's own.
 */
function isFromGateway({ status, text, isTooLarge }: HttpAnswer, envelope: Envelope | undefined): boolean {
  if (status >= 300 && status < 400) return true;
  const isPage = isTooLarge || text.trim() !== '';
  return envelope === undefined && isPage && !DECIDED_BY_STATUS.has(status);
}

/** These answers may not come from Damoov itself. */
export const NO_ANSWER: ReadonlySet<DamoovErrorKind> = new Set(['timeout', 'network', 'server', 'malformed']);

/** These statuses count even from a proxy: the session is renewed, the rate is lowered, or the request is repeated. */
const DECIDED_BY_STATUS: ReadonlySet<number> = new Set([401, 408, 429]);

export function failure(
  { operation, subject }: Pick<Call, 'operation' | 'subject'>,
  details: Omit<DamoovErrorDetails, 'operation' | 'subject'>,
): DamoovError {
  return new DamoovError({ operation, subject, ...details });
}

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}

function errorKind(status: number): DamoovErrorKind {
  switch (status) {
    case 401:
      return 'unauthorized';
    case 403:
      return 'forbidden';
    case 404:
      return 'not-found';
    case 408:
      return 'timeout';
    case 409:
      return 'conflict';
    case 429:
      return 'rate-limited';
    default:
      if (status >= 400 && status < 500) return 'rejected';
      return status >= 500 && status < 600 ? 'server' : 'malformed';
  }
}

/**
 * Damoov bars an IP for this long (documented). A longer Retry-After is a mistake that would stop everything until an operator notices.
 */
const LONGEST_RETRY_AFTER_MS = 3_600_000;

/** Retry-After in milliseconds from now, from 0 to an hour: seconds or an HTTP date (RFC 9110). Undefined if it is neither. */
export function readRetryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  const value = header?.trim() ?? '';
  if (/^\d+$/.test(value)) return Math.min(Number(value) * 1000, LONGEST_RETRY_AFTER_MS);
  // Date.parse alone reads "-5" as a date, and a date without a zone as local time.
  const dateMs = /^[A-Z].* GMT$/i.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(dateMs) ? undefined : Math.min(Math.max(0, dateMs - nowMs), LONGEST_RETRY_AFTER_MS);
}

/** Lets active requests finish for this time, then cuts them off. */
async function closePool(pool: Pool, graceMs: number): Promise<void> {
  const over = new AbortController();
  const grace = sleep(graceMs, undefined, { signal: over.signal }).catch(() => {});
  await Promise.race([pool.close(), grace]);
  over.abort();
  await pool.destroy();
}
