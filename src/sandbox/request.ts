/**
 * One request to the simulated API as the endpoints see it: path and names without case, the body
 * parsed at most once. Knows nothing of what the request means.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { type Answer, failure } from './envelope.ts';

/** A JSON object, read by the documented PascalCase names; camelCase is understood too. */
export class Body {
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(values: Readonly<Record<string, unknown>>) {
    this.#values = values;
  }

  /** undefined = not given; null was given. */
  get(name: string): unknown {
    const value = this.#values[name];
    return value === undefined ? this.#values[`${name.charAt(0).toLowerCase()}${name.slice(1)}`] : value;
  }
}

export class ApiRequest {
  /** In lower case, without the query: paths are case-insensitive (documented). */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly #query: string;
  readonly #text: string;
  #body: Body | Answer | undefined;

  constructor(target: Target, headers: IncomingHttpHeaders, text: string) {
    this.path = target.path;
    this.headers = headers;
    this.#query = target.query;
    this.#text = text;
  }

  /** The body, or the refusal it earns. No body at all counts as `{}`: every field of a create is optional. */
  get body(): Body | Answer {
    this.#body ??= readBody(this.#text, this.headers['content-type']);
    return this.#body;
  }

  /** The query, its names in lower case; an empty value counts as not given. */
  get query(): ReadonlyMap<string, string> {
    const query = new Map<string, string>();
    for (const [name, value] of new URLSearchParams(this.#query)) {
      if (value !== '') query.set(name.toLowerCase(), value);
    }
    return query;
  }

  /** A header that can be given once. */
  header(name: string): string | undefined {
    const value = this.headers[name];
    return Array.isArray(value) ? value[0] : value;
  }
}

export interface Target {
  readonly path: string;
  readonly query: string;
}

export function parseTarget(url: string): Target {
  const mark = url.indexOf('?');
  if (mark === -1) return { path: url.toLowerCase(), query: '' };
  return { path: url.slice(0, mark).toLowerCase(), query: url.slice(mark + 1) };
}

/** A JSON object, or undefined for anything else (an RFC 6902 array too). */
export function asBody(value: unknown): Body | undefined {
  return isObject(value) ? new Body(value) : undefined;
}

/** The value of JSON text, or undefined where it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function readBody(text: string, contentType: string | undefined): Body | Answer {
  if (text === '') return new Body({});
  // Assumption: a body that is not declared as JSON is refused with 415, as ASP.NET does by itself.
  // `application/json` and `application/json-patch+json` are both in use (documented; the vendor's SDK).
  if (contentType === undefined || !contentType.includes('json')) return failure(415);
  // Assumption: text that is no JSON object is a 400.
  return asBody(parseJson(text)) ?? failure(400, [{ Key: '', Message: 'The body must be a JSON object.' }]);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
