/**
 * Logs a repeated fault once, then once a minute with the number of repetitions. Faults with equal text are the same.
 */

/** In milliseconds. */
const EVERY_MS = 60_000;

/**
 * @param write called with the fault and the number of equal faults left out since it was last written.
 * @param now a clock in milliseconds.
 */
export function createFaultLog<Fault extends object>(
  write: (fault: Fault, leftOut: number) => void,
  now: () => number = () => performance.now(),
): (fault: Fault) => void {
  const written = new Map<string, { at: number; leftOut: number }>();
  return (fault) => {
    const text = JSON.stringify(fault);
    const last = written.get(text);
    if (last !== undefined && now() - last.at < EVERY_MS) {
      last.leftOut += 1;
      return;
    }
    // Drop old texts, so that the map does not grow.
    for (const [known, { at }] of written) if (now() - at >= EVERY_MS) written.delete(known);
    written.set(text, { at: now(), leftOut: 0 });
    write(fault, last?.leftOut ?? 0);
  };
}
