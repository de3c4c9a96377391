/**
 * One line of a diagnosis.
 */
export interface Finding {
  /** What was looked at: `redis version`, `instance key default`. */
  check: string;
  /** `warn`: it works, and may cease to, or nobody can tell. */
  is: 'ok' | 'warn' | 'fail';
  /** Without a secret or anybody's data. */
  seen: string;
  /** What to do about it. */
  todo?: string;
}

export function finding(check: string, is: Finding['is'], seen: string, todo?: string): Finding {
  return { check, is, seen, ...(todo !== undefined && { todo }) };
}
