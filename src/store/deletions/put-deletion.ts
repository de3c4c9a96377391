/**
 * Adds the deletion of a user, or reschedules the pending one: its job and its index entry, in steps each of which may be interrupted.
 * Knows no name of a user.
 */
import type { Job, Queue } from 'bullmq';
import { promoteJob } from '../../bullmq/elsewhere.ts';
import { type DeletionJob, addJob, moveJob } from './deletion-jobs.ts';
import type { DeletionAddress, DeletionNames } from './deletion-names.ts';
import { askSuspension, moveSuspension } from './suspensions.ts';
import { type Entry, type Pending, enterDeletion, scheduleDeletion } from './schedule-deletion.ts';

/** A deletion that is pending, in epoch milliseconds. */
export interface Scheduled {
  /** Of one that was pending: `exists`: its due time is unchanged; `moved`: it has the new due time. */
  is: 'scheduled' | 'exists' | 'moved';
  jobId: string;
  dueAt: number;
  requestedAt: number;
}

export interface PutOptions {
  /** When it counts as asked for, in epoch milliseconds. Default now. */
  requestedAt?: number;
  /** It is asked for as of then, in epoch milliseconds: a later sign-up or cancellation wins. */
  asOf?: number;
  /** The trace context of a job that is due at once. */
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

/** The deletions that are pending in a queue of jobs. */
export class PendingDeletions {
  readonly #jobs: Queue;
  readonly #names: DeletionNames;

  constructor(jobs: Queue, names: DeletionNames) {
    this.#jobs = jobs;
    this.#names = names;
  }

  /** Has a pending deletion suspend its user until it is due: its job runs now, and then waits. */
  async suspend(jobId: string): Promise<void> {
    const isAsked = await this.#names.change((seen) => askSuspension(seen, this.#names.prefix, jobId));
    if (isAsked) await promoteJob(this.#jobs, jobId);
  }

  async put(
    request: PutRequest,
    { asOf, requestedAt = asOf ?? Date.now(), ...more }: PutOptions = {},
  ): Promise<Scheduled | 'too-late' | 'done' | 'none'> {
    const { address, mode, dueAt } = request;
    const asked = { mode, requestedAt, isNow: asOf === undefined, dueAt };
    let [seen, over]: (string | undefined)[] = [];
    for (;;) {
      const answer = await this.#names.decide(address, (seen, of) =>
        scheduleDeletion(seen, of, { ...asked, over }),
      );
      if (!('jobId' in answer)) return answer.is;
      const { jobId } = answer;
      const found = await this.#jobs.getJob(jobId);
      if (found?.finishedOn !== undefined) {
        // BullMQ ended the job by itself, or still keeps one with this id.
        over = jobId;
        continue;
      }
      if (answer.is === 'free' && found !== undefined) {
        // The call that added the job also adds its index entry, unless it was interrupted.
        if (seen === jobId)
          await this.#enter({ hash: answer.hash, jobId, dueAt: found.timestamp + found.delay });
        seen = jobId;
        continue;
      }
      const end =
        found === undefined
          ? await this.#addTo(answer, { data: request.data, requestedAt, ...more })
          : await this.#move(answer, found, request, more);
      if (end !== 'again') return end;
    }
  }

  /**
   * Adds a job and enters it into the index; `replaces`: in place of that one. If interrupted in between, the deletion is still carried
   * out, and its next request adds the index entry.
   */
  async #add({ hash, replaces, ...job }: DeletionJob & { hash: string; replaces?: string }) {
    await addJob(this.#jobs, job);
    return this.#enter({ hash, jobId: job.jobId, dueAt: job.dueAt, replaces });
  }

  async #enter(entry: Entry) {
    return this.#names.change((seen) => enterDeletion(seen, this.#names.prefix, entry));
  }

  /** Adds the job: a new one, or one that is pending and is gone. */
  async #addTo(
    { is, hash, jobId, ...known }: Pending,
    job: Pick<DeletionJob, 'data' | 'requestedAt' | 'trace' | 'isBulk'>,
  ): Promise<Scheduled | 'again'> {
    const requestedAt = Math.max(job.requestedAt, known.requestedAt);
    const dueAt = Math.max(known.dueAt, requestedAt);
    const entered = await this.#add({ ...job, hash, jobId, requestedAt, dueAt });
    if (is !== 'free') return { is, jobId, dueAt, requestedAt };
    return entered === 'entered' ? { is: 'scheduled', jobId, dueAt, requestedAt } : 'again';
  }

  /** Reschedules the pending job as was decided. */
  async #move(
    { hash, number, jobId, ...known }: Pending,
    found: Job,
    { mode, dueAt }: PutRequest,
    { isBulk = false }: PutOptions,
  ): Promise<Scheduled | 'again'> {
    if (mode !== 'move' && !isBulk && found.priority > 0) await found.changePriority({ priority: 0 });
    const requestedAt = Math.max(found.timestamp, known.requestedAt);
    if (known.is !== 'moved') return { is: 'exists', jobId, dueAt: known.dueAt, requestedAt };
    const is = 'moved';
    if (await this.#names.change((seen) => moveSuspension(seen, this.#names.prefix, jobId))) {
      // Its run reads the new due time.
      await promoteJob(this.#jobs, jobId);
      return { is, jobId, dueAt, requestedAt };
    }
    if (await this.#isMoved(jobId, dueAt)) return { is, jobId, dueAt, requestedAt };
    // The job is active, or was and waits for something else: it ends as cancelled, and the next one replaces it.
    const nextId = `del-${hash}-${number + 1}`;
    const entered = await this.#replace(found, jobId, { hash, jobId: nextId, dueAt, isBulk });
    return entered === 'entered' ? { is, jobId: nextId, dueAt, requestedAt } : 'again';
  }

  /** Puts another job in the place of one that is not sent yet. */
  async #replace(
    found: Job,
    replaces: string,
    next: Pick<DeletionJob, 'jobId' | 'dueAt' | 'isBulk'> & { hash: string },
  ) {
    const data: object = found.data;
    const entered = await this.#add({ ...next, data, requestedAt: found.timestamp, replaces });
    if (entered === 'entered') await promoteJob(this.#jobs, replaces);
    // Added with the entry that was refused.
    if (entered === 'too-late' || entered === 'gone') await (await this.#jobs.getJob(next.jobId))?.remove();
    return entered;
  }

  /** Whether the job waits for its new time, and nothing wakes it before. */
  async #isMoved(jobId: string, dueAt: number): Promise<boolean> {
    if (!(await moveJob(this.#jobs, jobId, dueAt))) return false;
    // It may have begun, and have been put aside until something wakes it.
    return dueAt <= Date.now() || (await this.#jobs.getJob(jobId))?.attemptsStarted === 0;
  }
}
