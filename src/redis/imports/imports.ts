/**
 * How far imports have come, beside the jobs that they add. The mark moves in the same step that adds the jobs, so that it is
 * right whatever is killed, and lost only together with them; a job's id follows from the import and the line besides, which
 * alone would not do: an id protects for as long as its job is kept. Knows rows as lines and jobs, no file.
 */
import { Job, type Queue } from 'bullmq';
import { z } from 'zod';
import { BULK_PRIORITY } from '../../contract/bulk-priority.ts';
import { prepareAdd } from '../prepare-add.ts';
import { QUEUE_FUNCTIONS } from '../queue-functions.ts';
import { luaBeside, scriptsOf } from '../scripts.ts';

const readLua = luaBeside(import.meta.url);

/** How far an import has come: the line of the last row that is dealt with, and how many rows were added and skipped. */
export interface Place {
  line: number;
  added: number;
  skipped: number;
}

/** A row as it becomes a job. */
export interface RowJob {
  /** The import once this job is added. */
  place: Place;
  /** The data of a `create-user` job. */
  data: Readonly<Record<string, unknown>>;
}

/** Another run has taken the import over, or Redis has lost it. */
export interface Over {
  is: 'over';
  isLost: boolean;
}

/** The import is somewhere else than it was taken for: a reply was lost, or Redis has lost what came last. */
export interface Moved {
  is: 'moved';
  place: Place;
}

export type Added =
  /** So far; not all of it where there was no room. */
  { is: 'added'; place: Place; waiting: number } | Moved | Over;

/** `gone`: Redis keeps the job no longer; it did not fail, since failed ones are kept for longer. */
export type JobEnd = { is: 'gone' } | { is: 'failed'; reason: string } | { is: 'done'; value: string };

export interface ImportState {
  /** Epoch milliseconds; another time in each round. */
  readonly begunAt: number;
  readonly place: Place;
  readonly followsJobs: boolean;
  /** Epoch milliseconds. */
  readonly completeSince: number | undefined;
}

export interface ImportRun extends ImportState {
  /** Adds as many of the jobs as there is room for; `to`: where the import is once all are added. */
  add(from: Place, jobs: readonly RowJob[], to: Place): Promise<Added>;
  /** Adds a job once more that Redis keeps no longer, with the id and the time that it had. */
  addAgain(line: number, data: object): Promise<void>;
  /** The ends of the jobs at these lines, as far as they have ended. */
  endsOf(lines: readonly number[]): Promise<{ is: 'ends'; ends: ReadonlyMap<number, JobEnd> } | Over>;
  /** Nothing is left to be done. */
  complete(at: Place): Promise<{ is: 'complete' } | Moved | Over>;
}

export interface ImportsOptions {
  prefix: string;
  /** The queue of the jobs; its connection is used. */
  jobs: Queue;
  /** Of the configured Damoov instances: a refused key of one holds jobs. */
  instances: readonly string[];
  /** Delayed jobs that are due later than this, in milliseconds, do not wait to be worked on: they are deferred. */
  soonMs: number;
  /** How many jobs may wait: those ready, active, about to be tried again, and held by an outage or a refused key. */
  maxWaiting: number;
}

export interface BeginOptions {
  /** Names this run: an earlier one of the same import is over from here on. */
  run: string;
  /** Whether an import that is complete is begun again. */
  isAgain: boolean;
  /** In epoch milliseconds; of an import that goes on when it was begun, should Redis lose it meanwhile. */
  begunAt: number;
  /** Whether the ends of its jobs are looked for; fixed when an import begins. */
  followsJobs: boolean;
  /** When what the rows say was so, where they do not say it themselves, in epoch milliseconds; fixed when an import begins. */
  asOf: number;
}

/** An import is remembered for so long after it was last touched, in seconds. */
const KEEP_S = 90 * 24 * 3600;

export interface Imports {
  /** An import as it stands, undefined where there is none; changes nothing. */
  look(id: string): Promise<ImportState | undefined>;
  /** @param id a short name that follows from what is imported. */
  begin(id: string, options: BeginOptions): Promise<ImportRun>;
}

/** The imports into a queue. */
export function createImports({ prefix, jobs, instances, soonMs, maxWaiting }: ImportsOptions): Imports {
  const script = scriptsOf(jobs, {
    'begin-import': readLua('begin-import'),
    'add-rows': [QUEUE_FUNCTIONS.addPrioritizedJob, readLua('add-rows')].join('\n'),
    'job-ends': readLua('job-ends'),
    'complete-import': readLua('complete-import'),
  });
  const gates = ['damoov', ...instances.map((instance) => `instance-key:${instance}`)];
  const jobsBase = jobs.toKey('');
  const waitingKeys = [jobs.toKey('prioritized'), ...gates.map((gate) => `${prefix}:gate:${gate}:held`)];
  const keyOf = (id: string) => `${prefix}:import:${id}`;
  const isSoon = () => (Date.now() + soonMs) * DELAYED_SCALE;

  return {
    async look(id) {
      const client = await jobs.getBackend().client;
      const fields = ['at', 'begun', 'follows', 'complete'];
      const [at, begun, follows, complete] = await client.hmget(keyOf(id), ...fields);
      return typeof at === 'string' ? stateOf(at, Number(begun), follows, complete) : undefined;
    },
    async begin(id, { run, isAgain, begunAt: wantedAt, followsJobs, asOf }) {
      const key = keyOf(id);
      const options = [run, wantedAt, isAgain ? 1 : 0, followsJobs ? 1 : 0, KEEP_S, asOf];
      const [at, begunAt, round, follows, complete, asOfMs] = Begun.parse(
        await script('begin-import')([key], options),
      );
      const base = `import-${id}-${round === 1 ? '' : `${round}-`}`;
      // All have the same time, so that their ids decide which of two rows of one user counts: the later one.
      const jobId = (line: number) => base + String(line).padStart(8, '0');
      // One for all rows: a BullMQ job of its own for each would be most of the work and of the memory.
      const job = new Job(jobs, 'create-user', {}, { priority: BULK_PRIORITY });
      // The same for a job that is added again: the UserId of one that does not say who it is follows from it.
      job.timestamp = begunAt;
      // What anybody has changed since the list was made is newer, and wins.
      const occurredAt = new Date(asOfMs).toISOString();
      const jobOf = (line: number, data: object) =>
        Object.assign(job, { id: jobId(line), data: { occurredAt, ...data } });
      return {
        ...stateOf(at, begunAt, follows, complete),
        async add(from, rows, to) {
          const adds = await Promise.all(
            rows.map(async ({ place, data }) => {
              const args = await prepareAdd(jobOf(place.line, data));
              return [textOf(place), ...args];
            }),
          );
          const options = [run, textOf(from), maxWaiting, isSoon(), KEEP_S, textOf(to), jobsBase];
          return addedOf(await script('add-rows')([key, ...waitingKeys], [...options, ...adds.flat()]));
        },
        async addAgain(line, data) {
          await jobOf(line, data).addJob(await jobs.getBackend().client);
        },
        async endsOf(lines) {
          // One that is complete is no run's.
          const asked = complete === '' ? run : '';
          const reply = Ends.parse(await script('job-ends')([key], [asked, jobsBase, ...lines.map(jobId)]));
          if (reply[0] === 'over') return { is: 'over', isLost: reply[1] === '' };
          return { is: 'ends', ends: new Map(reply[1].map((end) => [lines[end[0]] ?? 0, endOf(end)])) };
        },
        async complete(at) {
          const reply = await script('complete-import')([key], [run, textOf(at), Date.now()]);
          const answer = Completed.parse(reply);
          return answer[0] === 'complete' ? { is: 'complete' } : elsewhere(answer);
        },
      };
    },
  };
}

/** The queue keeps due times as milliseconds times this. */
const DELAYED_SCALE = 4096;

const Begun = z.tuple([
  z.string(),
  z.coerce.number<string>(),
  z.coerce.number<string>(),
  z.string(),
  z.string(),
  z.coerce.number<string>(),
]);
const Elsewhere = z.tuple([z.enum(['over', 'moved']), z.string()]);
const Reply = z.union([Elsewhere, z.tuple([z.literal('added'), z.string(), z.number()])]);
const Completed = z.union([Elsewhere, z.tuple([z.literal('complete')])]);
const End = z.union([
  z.tuple([z.number(), z.literal('gone')]),
  z.tuple([z.number(), z.enum(['failed', 'done']), z.string()]),
]);
const Ends = z.union([z.tuple([z.literal('over'), z.string()]), z.tuple([z.literal('ends'), z.array(End)])]);

function addedOf(reply: unknown): Added {
  const answer = Reply.parse(reply);
  if (answer[0] !== 'added') return elsewhere(answer);
  return { is: 'added', place: placeOf(answer[1]), waiting: answer[2] };
}

function elsewhere([is, what]: z.infer<typeof Elsewhere>): Moved | Over {
  return is === 'over' ? { is, isLost: what === '' } : { is, place: placeOf(what) };
}

function endOf(end: z.infer<typeof End>): JobEnd {
  switch (end[1]) {
    case 'gone':
      return { is: 'gone' };
    case 'failed':
      return { is: 'failed', reason: end[2] };
    case 'done':
      return { is: 'done', value: end[2] };
  }
}

function stateOf(at: string, begunAt: number, follows: unknown, complete: unknown): ImportState {
  return {
    begunAt,
    place: placeOf(at),
    followsJobs: follows === '1',
    completeSince: typeof complete === 'string' && complete !== '' ? Number(complete) : undefined,
  };
}

function textOf({ line, added, skipped }: Place): string {
  return `${line} ${added} ${skipped}`;
}

function placeOf(text: string): Place {
  const [line = 0, added = 0, skipped = 0] = text.split(' ').map(Number);
  return { line, added, skipped };
}
