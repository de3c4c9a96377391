/**
 * Goes through a set of failed jobs by rank, oldest first, while others are added and removed. Holds one page.
 *
 * Ranks move: when a job before the reader is removed, all later ones move up and could be skipped. So each page begins with the last job
 * of the previous page. If it is unchanged, no job was skipped. If not, the page is valid if its first job is not older than the last
 * returned one; otherwise the reader goes back a page. Jobs returned before are recognised by their place in the order: the time of the
 * failure, then the bytes of the id, as Redis sorts.
 */

export interface RankedJob {
  jobId: string;
  /** Epoch milliseconds; NaN if only the id is left. */
  failedAt: number;
}

export interface FailedPagesOptions<Ranked extends RankedJob> {
  /** The ids at these ranks, both included, the oldest first. */
  idsAt: (first: number, last: number) => Promise<string[]>;
  /** The jobs with these ids, in order; undefined for a job that is not failed. */
  readAll: (jobIds: readonly string[]) => Promise<(Ranked | undefined)[]>;
}

const PAGE = 200;

export async function* readFailedPages<Ranked extends RankedJob>({
  idsAt,
  readAll,
}: FailedPagesOptions<Ranked>): AsyncGenerator<Ranked[]> {
  /** The rank after the last page. */
  let rank = 0;
  let endOfPage: RankedJob | undefined;
  let lastReturned: RankedJob | undefined;
  /** A job without a time has no known place in the order. */
  const timeless = new Set<string>();
  /** Jobs for which the reader went back, and their place: an unreadable job may stay there for ever. */
  const doubted = new Set<string>();

  const isFresh = (job: Ranked | undefined): job is Ranked => {
    if (job === undefined) return false;
    if (!Number.isNaN(job.failedAt)) return lastReturned === undefined || isBehind(job, lastReturned);
    const isNew = !timeless.has(job.jobId);
    timeless.add(job.jobId);
    return isNew;
  };

  for (;;) {
    const first = Math.max(0, rank - 1);
    const ids = await idsAt(first, rank + PAGE - 1);
    const jobs = await readAll(ids);
    const [overlap] = jobs;
    const place = `${rank} ${ids[0]}`;
    const isTimeless = overlap === undefined || Number.isNaN(overlap.failedAt);
    const isGood =
      rank === 0 ||
      isSame(overlap, endOfPage) ||
      isNoYounger(overlap, lastReturned) ||
      (isTimeless && doubted.has(place));
    if (!isGood) {
      if (isTimeless) doubted.add(place);
      rank = Math.max(0, rank - PAGE);
      continue;
    }
    const isEnd = ids.length === (rank > 0 ? 1 : 0);
    if (isEnd) return;
    const fresh = jobs.filter(isFresh);
    lastReturned = fresh.findLast(({ failedAt }) => !Number.isNaN(failedAt)) ?? lastReturned;
    endOfPage = jobs.at(-1);
    rank = first + ids.length;
    if (fresh.length > 0) yield fresh;
  }
}

function isSame(job: RankedJob | undefined, other: RankedJob | undefined): boolean {
  if (job === undefined || other === undefined) return false;
  return job.jobId === other.jobId && Object.is(job.failedAt, other.failedAt);
}

function isNoYounger(job: RankedJob | undefined, other: RankedJob | undefined): boolean {
  if (job === undefined || other === undefined || Number.isNaN(job.failedAt)) return false;
  return !isBehind(job, other);
}

function isBehind(job: RankedJob, other: RankedJob): boolean {
  if (job.failedAt !== other.failedAt) return job.failedAt > other.failedAt;
  return Buffer.compare(Buffer.from(job.jobId), Buffer.from(other.jobId)) > 0;
}
