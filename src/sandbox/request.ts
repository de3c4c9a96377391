/**
 * A request to the simulated API as the endpoints see it: path and names without case, the body parsed.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { type Answer, failure } from './envelope.ts';

/** A JSON object, by the documented PascalCase names. */
export type Body = Readonly<Record<string, unknown>>;

export interface ApiRequest {
  /** In lower case, without the query: paths are case-insensitive (documented). */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** Names in lower case; an empty value counts as not given. */
  readonly query: ReadonlyMap<string, string>;
  /** Empty if it is faulty or absent: every field of a create is optional. */
  readonly body: Body;
  readonly bodyFault: Answer | undefined;
}

export function parseTarget(url: string): { path: string; query: string } {
  const [path = '', ...query] = url.split('?');
  return { path: path.toLowerCase(), query: query.join('?') };
}

export function parseRequest(url: string, headers: IncomingHttpHeaders, text: string): ApiRequest {
  const { path, query } = parseTarget(url);
  const given = [...new URLSearchParams(query)].filter(([, value]) => value !== '');
  const body = readBody(text, headers['content-type']);
  return {
    path,
    headers,
    query: new Map(given.map(([name, value]) => [name.toLowerCase(), value])),
    ...('status' in body ? { body: {}, bodyFault: body } : { body: body.fields, bodyFault: undefined }),
  };
}

export function headerOf({ headers }: ApiRequest, name: string): string | undefined {
  return [headers[name]].flat()[0];
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;

/** The UUID in lower case; undefined if the value is not a UUID. */
export function asUuid(value: unknown): string | undefined {
  const text = typeof value === 'string' ? value.toLowerCase() : '';
  return UUID.test(text) ? text : undefined;
}

function readBody(text: string, contentType: string | undefined): { fields: Body } | Answer {
  if (text === '') return { fields: {} };
  // Assumption: a body without a JSON content type is refused with 415, the default of ASP.NET.
  // `application/json` and `application/json-patch+json` are both in use (documented; the vendor's SDK).
  if (contentType === undefined || !contentType.includes('json')) return failure(415);
  const value = parseJson(text);
  if (isObject(value)) return { fields: inPascalCase(value) };
  // Assumption: text that is not a JSON object (an RFC 6902 array, for example) is a 400.
  return failure(400, [{ Key: '', Message: 'The body must be a JSON object.' }]);
}

/** camelCase is accepted, too. */
function inPascalCase(value: Body): Body {
  const fields = Object.entries(value).map(([name, inner]) => [
    `${name.charAt(0).toUpperCase()}${name.slice(1)}`,
    isObject(inner) ? inPascalCase(inner) : inner,
  ]);
  return Object.fromEntries(fields);
}
