/**
 * Tells a fault that comes again and again once, and once a minute how often it came. Knows faults by their text, and writes
 * nothing itself.
 */

/** In milliseconds. */
const EVERY_MS = 60_000;

/**
 * @param tell told of the fault, and how many like it were left out since it was told last.
 * @param now a clock in milliseconds.
 */
export function createFaultLog<Fault extends object>(
  tell: (fault: Fault, leftOut: number) => void,
  now: () => number = () => performance.now(),
): (fault: Fault) => void {
  const told = new Map<string, { at: number; leftOut: number }>();
  return (fault) => {
    const text = JSON.stringify(fault);
    const last = told.get(text);
    if (last !== undefined && now() - last.at < EVERY_MS) {
      last.leftOut += 1;
      return;
    }
    // A few kinds at the most are under way at once; texts that never come again must not pile up.
    for (const [known, { at }] of told) if (now() - at >= EVERY_MS) told.delete(known);
    told.set(text, { at: now(), leftOut: 0 });
    tell(fault, last?.leftOut ?? 0);
  };
}
