/**
 * Leaves fields out of a body or an answer, however deep they are.
 */
import { type Body, isObject } from './request.ts';

export function withoutFields(body: Body, names: readonly string[]): Body {
  if (names.length === 0) return body;
  const rest = Object.entries(body).filter(([name]) => !names.includes(name));
  return Object.fromEntries(rest.map(([name, value]) => [name, withoutInner(value, names)]));
}

function withoutInner(value: unknown, names: readonly string[]): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => withoutInner(item, names));
  return isObject(value) ? withoutFields(value, names) : value;
}
