/**
 * Adds the rows of imports as jobs, and follows how they end. A job's id, time and data follow from the import and the row alone, so that
 * adding a row again is safe: as long as its job is kept, BullMQ ignores the second one. A job that is no longer kept would run
 * again, as it did the first time: its version is the same, so newer knowledge wins, and its user is found, not created again.
 * Rows are added before the progress mark moves, so a crash in between repeats some rows and loses none.
 */
import type { Queue } from 'bullmq';
import { BULK_PRIORITY } from '../contract/job-options.ts';
import type { RedisConnection } from '../redis/connection.ts';
import {
  type BeginOptions,
  type ImportState,
  type Moved,
  type Over,
  type Place,
  createImportStates,
} from '../store/imports/import-states.ts';
import { countDueBefore } from './count-due-jobs.ts';
import { type StoredJob, fewAtATime, readStoredJob } from './read-job.ts';

/** A row that becomes a job. */
export interface RowJob {
  /** State of the import after this job is added. */
  place: Place;
  /** The data of a `create-user` job. */
  data: Readonly<Record<string, unknown>>;
}

export type Added =
  /** So far; not all of it if there was no room. */
  { is: 'added'; place: Place; waiting: number } | Moved | Over;

/** `gone`: Redis no longer keeps the job. It did not fail: failed jobs are kept longer. */
export type JobEnd = { is: 'gone' } | { is: 'failed'; reason: string } | { is: 'done'; value: string };

export interface ImportRun extends ImportState {
  /** Adds as many jobs as there is room for. `to`: the state of the import once all are added. */
  add(from: Place, jobs: readonly RowJob[], to: Place): Promise<Added>;
  /** Adds a job again that Redis no longer keeps, with its old id and time. */
  addAgain(line: number, data: object): Promise<void>;
  /** The outcomes of the jobs at these lines that have ended. */
  endsOf(lines: readonly number[]): Promise<{ is: 'ends'; ends: ReadonlyMap<number, JobEnd> } | Over>;
  /** Marks the import as finished. */
  complete(at: Place): Promise<{ is: 'complete' } | Moved | Over>;
}

export interface Imports {
  /** Reads the state of an import; undefined if there is none. */
  look(id: string): Promise<ImportState | undefined>;
  /** @param id a short name derived from the input. */
  begin(id: string, options: BeginOptions): Promise<ImportRun>;
}

export interface ImportsOptions {
  prefix: string;
  jobs: Queue;
  /** For keys of our own. */
  connection: RedisConnection;
  /** Names of the configured instances: a refused key of one of them holds jobs. */
  instances: readonly string[];
  /** Delayed jobs due later than this, in milliseconds, are deferred: they do not count as waiting. */
  soonMs: number;
  /** Limit of waiting jobs: ready, active, in retry, or held by an outage or a refused key. */
  maxWaiting: number;
}

/** Number of outcomes read at once. */
const ENDS_AT_ONCE = 50;
/** Time for which the count of delayed jobs is cached, in milliseconds: it costs more than the others. */
const KEEP_DELAYED_MS = 250;

/** The imports into a queue. */
export function createImports(options: ImportsOptions): Imports {
  const { prefix, jobs, connection, maxWaiting } = options;
  const states = createImportStates(connection, prefix);
  const countWaiting = createWaitingCount(options);

  return {
    look: (id) => states.look(id),
    async begin(id, begin) {
      const { run } = begin;
      const begun = await states.begin(id, begin);
      const { begunAt, round, asOf, completeSince } = begun;
      // All have the same time, so the ids order two rows of one user: the later row wins.
      const idOf = (line: number) => jobIdOf({ id, round, line });
      // Changes made after the list was exported are newer and win.
      const occurredAt = new Date(asOf).toISOString();
      const jobOf = (line: number, data: object) => ({
        name: 'create-user',
        data: { occurredAt, ...data },
        opts: { jobId: idOf(line), timestamp: begunAt, priority: BULK_PRIORITY },
      });

      return {
        ...begun,
        async add(from, rows, to) {
          const here = await states.move(id, { run, from });
          if (here.is !== 'here') return here;
          const waiting = await countWaiting();
          const fitting = rows.slice(0, Math.max(0, maxWaiting - waiting));
          if (fitting.length > 0)
            await jobs.addBulk(fitting.map(({ place, data }) => jobOf(place.line, data)));
          const last = fitting.at(-1)?.place;
          const place = fitting.length === rows.length ? to : (last ?? from);
          const moved = await states.move(id, { run, from, to: place, addedLine: last?.line });
          return moved.is === 'here' ? { is: 'added', place, waiting: waiting + fitting.length } : moved;
        },
        async addAgain(line, row) {
          const { name, data, opts } = jobOf(line, row);
          await jobs.add(name, data, opts);
        },
        async endsOf(lines) {
          const held = await states.isHeld(id, completeSince === undefined ? run : undefined);
          if (held.is === 'over') return held;
          const ends = await fewAtATime(lines, ENDS_AT_ONCE, async (line) => ({
            line,
            end: endOf(await readStoredJob(jobs, idOf(line))),
          }));
          return {
            is: 'ends',
            ends: new Map(ends.flatMap(({ line, end }) => (end === undefined ? [] : [[line, end]]))),
          };
        },
        async complete(at) {
          const moved = await states.move(id, { run, from: at, completes: true });
          return moved.is === 'here' ? { is: 'complete' } : moved;
        },
      };
    },
  };
}

/** When a job of an import was added, in epoch milliseconds: all of them have the time at which their import began. */
export function createAddedAt(
  connection: RedisConnection,
  prefix: string,
): (jobId: string) => Promise<number | undefined> {
  const states = createImportStates(connection, prefix);
  return async (jobId) => {
    const [, id, line] = /^import-([^-]+)-(?:\d+-)?(\d{8,})$/.exec(jobId) ?? [];
    return id === undefined ? undefined : states.addedAt(id, Number(line));
  };
}

function jobIdOf({ id, round, line }: { id: string; round: number; line: number }): string {
  return `import-${id}-${round === 1 ? '' : `${round}-`}${String(line).padStart(8, '0')}`;
}

/** Undefined while it has not ended. */
function endOf(job: StoredJob | undefined): JobEnd | undefined {
  if (job === undefined) return { is: 'gone' };
  const { finishedOn, returnvalue, failedReason = '' } = job;
  if (finishedOn === undefined) return undefined;
  return returnvalue === undefined
    ? { is: 'failed', reason: failedReason }
    : { is: 'done', value: returnvalue };
}

function createWaitingCount({ prefix, jobs, connection, instances, soonMs }: ImportsOptions) {
  const circuits = ['damoov', ...instances.map((instance) => `instance-key:${instance}`)];
  let delayed = { count: 0, at: -Infinity };
  return async (): Promise<number> => {
    if (performance.now() - delayed.at > KEEP_DELAYED_MS) {
      delayed = { count: await countDueBefore(jobs, Date.now() + soonMs), at: performance.now() };
    }
    const [ready, ...held] = await Promise.all([
      jobs.getJobCountByTypes('waiting', 'prioritized', 'active'),
      ...circuits.map((circuit) => connection.zcard(`${prefix}:circuit:${circuit}:held`)),
    ]);
    return held.reduce((sum, count) => sum + count, ready + delayed.count);
  };
}
