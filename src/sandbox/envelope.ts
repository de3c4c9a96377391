/**
 * The forms of Damoov's answers: the success envelope, the error envelope, and bodies without an envelope. Knows nothing of users, tokens
 * or faults.
 */
import { STATUS_CODES } from 'node:http';

export interface Answer {
  readonly status: number;
  readonly body: string;
  /** null = an empty body, sent without a Content-Type. */
  readonly contentType: string | null;
  readonly retryAfter?: string;
}

/** One entry of `Errors[]` (documented). */
export interface FieldFault {
  readonly Key: string;
  readonly Message: string;
}

const JSON_TYPE = 'application/json; charset=utf-8';

/** Any value as JSON, without an envelope (for the sandbox's own controls). */
export function json(status: number, value: unknown): Answer {
  return { status, body: JSON.stringify(value), contentType: JSON_TYPE };
}

/** The success envelope with a Result (documented). */
export function success(result: unknown): Answer {
  return json(200, { Result: result, Status: 200, Title: '', Errors: [] });
}

/** The success envelope without a Result, as update, delete and move answer (documented). */
export const DONE: Answer = json(200, { Status: 200, Title: '', Errors: [] });

/** The error envelope (documented); HTTP carries the same status unless `underHttp200` changes that. */
export function failure(status: number, faults: readonly FieldFault[] = []): Answer {
  return json(status, { Status: status, Title: titleOf(status), Errors: faults });
}

/** An error envelope under HTTP 200 (seen in shipped code); an answer without an envelope is unchanged. */
export function underHttp200(answer: Answer): Answer {
  const isErrorEnvelope = answer.status >= 400 && answer.contentType === JSON_TYPE;
  return isErrorEnvelope ? { ...answer, status: 200 } : answer;
}

/** An error as a proxy before the API would send it (handled by shipped clients). */
export function htmlError(status: number): Answer {
  const title = `${status} ${titleOf(status)}`;
  const body = `<html><head><title>${title}</title></head><body><h1>${title}</h1></body></html>`;
  return { status, body, contentType: 'text/html' };
}

/** A status with no body at all (handled by shipped clients). */
export function emptyError(status: number): Answer {
  return { status, body: '', contentType: null };
}

function titleOf(status: number): string {
  // Documented for 422; the other titles are assumptions that no client should read.
  if (status === 422) return 'One or more validation errors occurred.';
  return STATUS_CODES[status] ?? 'Error';
}
