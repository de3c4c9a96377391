/**
 * Adds rows in batches while there is room. Redis has the import's place: an answer may be lost although the rows were added.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Added, ImportRun, RowJob } from '../../bullmq/imports.ts';
import type { Place } from '../../store/imports/import-states.ts';
import type { JobFollower } from './job-follower.ts';
import { ImportTakenOver } from './import-taken-over.ts';
import type { RetryWhileAway } from './retry-while-away.ts';
import type { JobData } from './row-job.ts';

export interface AdderOptions {
  retryWhileAway: RetryWhileAway;
  /** How many jobs may wait; where they are followed also how many may have not ended. */
  maxWaiting: number;
  follower: JobFollower | undefined;
  signal: AbortSignal;
  /** @param waiting how many jobs wait, if there is no room. */
  onAdded: (place: Place, waiting?: number) => void;
}

export interface Adder {
  readonly place: Place;
  /** The next row; without data it is skipped. */
  put(line: number, data: JobData | undefined): Promise<void>;
  flush(): Promise<void>;
}

const MOST_JOBS = 200;
/** Interval at which it checks for room, in milliseconds. */
const LOOK_MS = 250;

/** All its calls throw {@link ImportTakenOver} if the import is at another place or belongs to another run. */
export function createAdder(
  run: ImportRun,
  { retryWhileAway, maxWaiting, follower, signal, onAdded }: AdderOptions,
): Adder {
  const portion = Math.min(MOST_JOBS, maxWaiting);
  let { place } = run;
  let next = place;
  let jobs: RowJob[] = [];

  return {
    get place() {
      return place;
    },
    async put(line, data) {
      const { added, skipped } = next;
      next = data === undefined ? { line, added, skipped: skipped + 1 } : { line, added: added + 1, skipped };
      if (data !== undefined) jobs.push({ place: next, data });
      if (jobs.length >= portion) await flush();
    },
    flush,
  };

  async function flush(): Promise<void> {
    while (place.line < next.line) {
      signal.throwIfAborted();
      await follower?.waitFor(run, maxWaiting - jobs.length);
      const answer = await retryWhileAway(() => run.add(place, jobs, next));
      accept(answer);
      const isFull = answer.is === 'added' && place.line < next.line;
      onAdded(place, isFull ? answer.waiting : undefined);
      if (isFull) await sleep(LOOK_MS, undefined, { signal });
    }
    next = place;
  }

  function accept(answer: Added): void {
    if (answer.is === 'over') throw new ImportTakenOver(answer);
    if (answer.place.line < place.line) throw new ImportTakenOver({ is: 'moved', place: answer.place });
    ({ place } = answer);
    for (const job of jobs) if (job.place.line <= place.line) follower?.follow(job.place.line, job.data);
    jobs = jobs.filter((job) => job.place.line > place.line);
  }
}
