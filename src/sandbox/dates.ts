/**
 * Dates in the API: ISO 8601 (documented).
 */

const ISO_8601 = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?<zone>Z|[+-]\d\d:\d\d)?)?$/i;

/** Epoch milliseconds; undefined if it is not a date. Assumption: a time without a zone is in UTC. */
export function timeOf(value: string): number | undefined {
  const found = ISO_8601.exec(value);
  if (found === null) return undefined;
  const isLocal = value.length > 'YYYY-MM-DD'.length && found.groups?.['zone'] === undefined;
  const at = Date.parse(isLocal ? `${value}Z` : value);
  return Number.isNaN(at) ? undefined : at;
}

export function iso(at: number): string {
  return new Date(at).toISOString();
}
