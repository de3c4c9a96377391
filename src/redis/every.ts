/**
 * Does something every so many milliseconds. Knows no fault: who does the work tells of it.
 */

/** The first time after `everyMs`, and each further time so long after the last has ended, until it is told to stop. */
export function regularly(work: () => Promise<void>, everyMs: number): () => void {
  let isStopped = false;
  let timer: NodeJS.Timeout | undefined;
  const next = () =>
    void work()
      // Redis is away or refuses to write, and others say so: it is tried again.
      .catch(() => {})
      .finally(() => {
        if (!isStopped) timer = setTimeout(next, everyMs);
      });
  timer = setTimeout(next, everyMs);
  return () => {
    isStopped = true;
    clearTimeout(timer);
  };
}
