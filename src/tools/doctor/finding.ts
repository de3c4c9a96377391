/**
 * One line of a diagnosis.
 */
export interface Finding {
  /** What was checked: `redis version`, `instance key default`. */
  check: string;
  /** `warn`: it works but may fail later, or cannot be checked. */
  is: 'ok' | 'warn' | 'fail';
  /** Without secrets or personal data. */
  seen: string;
  todo?: string;
}

export function finding(check: string, is: Finding['is'], seen: string, todo?: string): Finding {
  return { check, is, seen, ...(todo !== undefined && { todo }) };
}
