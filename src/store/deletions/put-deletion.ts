/**
 * Adds the deletion of a user, or moves the one that is pending: its job and its entry in the index, in steps that may each be the last.
 * Knows no name of a user.
 */
import type { Job, Queue } from 'bullmq';
import { z } from 'zod';
import { jsonScriptsOf, luaBeside } from '../../redis/scripts.ts';
import { promoteJob } from '../../bullmq/elsewhere.ts';
import { type DeletionJob, addJob, moveJob } from './deletion-jobs.ts';
import { type DeletionAddress, KEEP_NAME_S, namesBaseOf, pendingKeyOf } from './deletion-names.ts';

const readLua = luaBeside(import.meta.url);

/** A deletion that is pending, in epoch milliseconds. */
export interface Scheduled {
  /** `exists`: there was one already, and it is due when it was; `moved`: there was one, and it is due now when it was asked to. */
  is: 'scheduled' | 'exists' | 'moved';
  jobId: string;
  dueAt: number;
  requestedAt: number;
}

export interface PutOptions {
  /** When it counts as asked for, in epoch milliseconds. Default now. */
  requestedAt?: number;
  /** It is asked for as of then, in epoch milliseconds: whoever has signed up or was cancelled since is not meant. */
  asOf?: number;
  /** What a job that is due at once bears of its trace. */
  trace?: string | undefined;
  /** One of many, which is carried out after what others ask for. */
  isBulk?: boolean;
}

export interface PutRequest {
  address: DeletionAddress;
  data: object;
  /** Epoch milliseconds. */
  dueAt: number;
  mode: 'add' | 'add-or-move' | 'move';
}

export interface PutSources {
  jobs: Queue;
  prefix: string;
  /** Calls a script about the names of a user. */
  ask: (name: 'schedule-deletion', address: DeletionAddress, more: object) => Promise<unknown>;
}

export type Put = (
  request: PutRequest,
  options?: PutOptions,
) => Promise<Scheduled | 'too-late' | 'done' | 'none'>;

export function createPut({ jobs, prefix, ask }: PutSources): Put {
  const script = jsonScriptsOf(jobs, {
    'enter-deletion': readLua('../clock', 'name-state', 'enter'),
  });
  const pendingKey = pendingKeyOf(prefix);
  const base = namesBaseOf(prefix);

  return put;

  /**
   * Adds a job and enters it into the index; `replaces`: in place of that one. Where this is cut off in between, the deletion is carried
   * out all the same, and the next request for it enters it.
   */
  async function add({ hash, replaces, ...job }: DeletionJob & { hash: string; replaces?: string }) {
    await addJob(jobs, job);
    return enter({ hash, jobId: job.jobId, dueAt: job.dueAt, replaces });
  }

  async function enter(entry: { hash: string; jobId: string; dueAt: number; replaces?: string | undefined }) {
    const asked = { ...entry, base, keepS: KEEP_NAME_S };
    return Entered.parse(await script('enter-deletion')([pendingKey, `${base}${entry.hash}`], asked));
  }

  async function put(
    request: PutRequest,
    { asOf, requestedAt = asOf ?? Date.now(), ...more }: PutOptions = {},
  ): Promise<Scheduled | 'too-late' | 'done' | 'none'> {
    const { address, mode, dueAt } = request;
    const asked = { mode, requestedAt, isNow: asOf === undefined, dueAt, keepS: KEEP_NAME_S };
    let [seen, over]: (string | undefined)[] = [];
    for (;;) {
      const answer = Decided.parse(await ask('schedule-deletion', address, { ...asked, over }));
      if (!('jobId' in answer)) return answer.is;
      const { jobId } = answer;
      const found = await jobs.getJob(jobId);
      if (found?.finishedOn !== undefined) {
        // The queue has ended it without a word to us, or still keeps one of this id.
        over = jobId;
        continue;
      }
      if (answer.is === 'free' && found !== undefined) {
        // The call that has added it enters it at once, unless it was cut off.
        if (seen === jobId) await enter({ hash: answer.hash, jobId, dueAt: found.timestamp + found.delay });
        seen = jobId;
        continue;
      }
      const end =
        found === undefined
          ? await addTo(answer, { data: request.data, requestedAt, ...more })
          : await move(answer, found, request, more);
      if (end !== 'again') return end;
    }
  }

  /** Adds the job: a new one, or one that is pending and is gone. */
  async function addTo(
    { is, hash, jobId, ...known }: Pending,
    job: Pick<DeletionJob, 'data' | 'requestedAt' | 'trace' | 'isBulk'>,
  ): Promise<Scheduled | 'again'> {
    const requestedAt = Math.max(job.requestedAt, known.requestedAt);
    const dueAt = Math.max(known.dueAt, requestedAt);
    const entered = await add({ ...job, hash, jobId, requestedAt, dueAt });
    if (is !== 'free') return { is, jobId, dueAt, requestedAt };
    return entered === 'entered' ? { is: 'scheduled', jobId, dueAt, requestedAt } : 'again';
  }

  /** Has the job that is pending due as the script has decided. */
  async function move(
    { hash, number, jobId, ...known }: Pending,
    found: Job,
    { mode, dueAt }: PutRequest,
    { isBulk = false }: PutOptions,
  ): Promise<Scheduled | 'too-late' | 'again'> {
    if (mode !== 'move' && !isBulk && found.priority > 0) await found.changePriority({ priority: 0 });
    const requestedAt = Math.max(found.timestamp, known.requestedAt);
    if (known.is !== 'moved') return { is: 'exists', jobId, dueAt: known.dueAt, requestedAt };
    const is = 'moved';
    if (await isMoved(found, jobId, dueAt)) return { is, jobId, dueAt, requestedAt };
    // It is at work, or was and waits for something else: that one ends as cancelled, and the next takes its place.
    const nextId = `del-${hash}-${number + 1}`;
    const entered = await replace(found, jobId, { hash, jobId: nextId, dueAt, isBulk });
    if (entered === 'too-late') return entered;
    return entered === 'entered' ? { is, jobId: nextId, dueAt, requestedAt } : 'again';
  }

  /** Puts another job in the place of one that is not sent yet. */
  async function replace(
    found: Job,
    replaces: string,
    next: Pick<DeletionJob, 'jobId' | 'dueAt' | 'isBulk'> & { hash: string },
  ) {
    const data: object = found.data;
    const entered = await add({ ...next, data, requestedAt: found.timestamp, replaces });
    if (entered === 'entered') await promoteJob(jobs, replaces);
    // Added with the entry that was refused.
    if (entered === 'too-late' || entered === 'gone') await (await jobs.getJob(next.jobId))?.remove();
    return entered;
  }

  /** Whether the job waits for its new time, and nothing wakes it before. */
  async function isMoved(found: Job, jobId: string, dueAt: number): Promise<boolean> {
    if (found.attemptsStarted > 0 && dueAt > Date.now()) return false;
    if (!(await moveJob(jobs, jobId, dueAt))) return false;
    // It may have begun in between, and have been put aside until something wakes it.
    return dueAt <= Date.now() || (await jobs.getJob(jobId))?.attemptsStarted === 0;
  }
}

const Entered = z.enum(['entered', 'taken', 'too-late', 'gone']);
const Pending = z.object({
  is: z.enum(['free', 'exists', 'moved']),
  hash: z.string(),
  number: z.number(),
  jobId: z.string(),
  dueAt: z.number(),
  requestedAt: z.number(),
});
type Pending = z.infer<typeof Pending>;
const Decided = z.union([z.object({ is: z.enum(['none', 'too-late', 'done']) }), Pending]);
