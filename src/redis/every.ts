/**
 * Repeats work at an interval.
 */

/**
 * Runs `work` first after `everyMs`, then `everyMs` after each run has ended. Ignores rejections: the work reports its own faults.
 * @returns a function that stops it.
 */
export function every(work: () => Promise<void>, everyMs: number): () => void {
  let isStopped = false;
  let timer: NodeJS.Timeout | undefined;
  const next = () =>
    void work()
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
