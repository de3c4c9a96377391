/**
 * Stores user records in Redis: one small hash per user, under a keyed hash of its id. Calls the scripts; operations decide what versions
 * mean. No name, email, phone or clientId is stored in a key or value.
 */
import type { Queue } from 'bullmq';
import { type Version, jobIdOf, msOf } from '../../contract/version.ts';
import type { RecordUpdate, UserRecord } from '../../operations/context.ts';
import type { JobQueue, Publish } from '../../lifecycle/ports/job-queue.ts';
import type {
  Begun,
  Blocked,
  Later,
  UserLock,
  Run,
  SettledJob,
  Settlement,
  UserState,
  Whose,
} from '../../lifecycle/ports/user-state.ts';
import { DeletionNames, decisionKeyOf } from '../deletions/deletion-names.ts';
import { type NextReceipt, createReceiptChain } from '../receipts/receipt-chain.ts';
import { type Passing, beginAndPass } from './begin-and-pass.ts';
import { type Lease, type Leases, createLeases } from './leases.ts';
import { type Change, NOTHING, changeOf } from './record-change.ts';
import { recordOf } from './record-fields.ts';
import { ExtendReply, LockClientIdReply, SettleReply, Promotions, pairsOf } from './script-replies.ts';
import { type Sign, endOf, linesOf, settledBefore, settledNow } from './settled-job.ts';
import {
  knownFields,
  lockArgument,
  runNameOf,
  idOfUser,
  runArgument,
  type LockRequest,
  userArgument,
} from './script-arguments.ts';
import { hashIdFor } from './user-hash.ts';
import { userScripts } from './user-scripts.ts';
import { type PromoteBlocked, createPromoteBlocked } from './promote-blocked.ts';

export interface UserStateOptions {
  prefix: string;
  /** The jobs queue; the user state uses its connection. */
  jobs: Queue;
  jobQueue: Pick<JobQueue, 'promote' | 'isPending'>;
  circuits: Passing['circuits'];
  /** Duration of a user's lock without renewal, in milliseconds. */
  leaseMs: number;
  /** The deadline of one request, in milliseconds. */
  timeoutMs: number;
  publish: Publish;
  sign: Sign;
}

/** The user state under the prefix of the jobs queue, and so in the same slot of a cluster. */
export class RedisUserState implements UserState {
  readonly #options: UserStateOptions;
  readonly #base: string;
  readonly #scripts: ReturnType<typeof userScripts>;
  readonly #deletionNames: DeletionNames;
  readonly #appendReceipt: ReturnType<typeof createReceiptChain>;
  readonly #leases: Leases;
  readonly #promote: PromoteBlocked;
  readonly #releasing = new Set<Promise<void>>();

  constructor(options: UserStateOptions) {
    const { prefix, jobs, leaseMs, sign } = options;
    this.#options = options;
    this.#base = `${prefix}:user:`;
    const scripts = userScripts({ jobs, prefix, base: this.#base, leaseMs });
    this.#scripts = scripts;
    this.#promote = createPromoteBlocked(options.jobQueue, scripts.withdraw);
    this.#deletionNames = new DeletionNames({ jobs, prefix });
    this.#appendReceipt = createReceiptChain({ prefix, jobs, sign });
    this.#leases = createLeases({
      leaseMs,
      extend: async (held) => ExtendReply.parse(await scripts.extend([], held)).map((isOurs) => isOurs === 1),
    });
  }

  begin(...[run, job, instance, address, circuits]: Parameters<UserState['begin']>): Promise<Begun> {
    return this.#lock({ run, job, hashId: hashIdFor(instance), address, circuits });
  }

  async settleWithoutUser(run: Run, settlement: Settlement, whose?: Whose): Promise<SettledJob> {
    if (whose !== undefined && settlement.deletions?.is === 'unsent') await this.#withdraw(run, whose);
    const name = whose && idOfUser(run, whose);
    const noChange = { recordId: '', ...NOTHING, isDeleted: true, whose: name, version: whose?.version };
    const settled = await this.#settle(run, noChange, settlement);
    if (settled === 'lost') throw new Error('a job of no user cannot be lost');
    return settled;
  }

  async find(jobId: string): Promise<SettledJob | undefined> {
    const text = await (await this.#options.jobs.getBackend().client).get(this.#settledKey(jobId));
    return text === null ? undefined : settledBefore(text, [], this.#options.sign);
  }

  release(jobId: string, { kept, user: recordId, isKept, olderFailed: erased }: SettledJob): void {
    const keepsOutcome = isKept || kept.outcome.status === 'failed';
    const released = this.#release({ jobId, recordId, erased, keepsOutcome })
      .catch(() => {})
      .finally(() => this.#releasing.delete(released));
    this.#releasing.add(released);
  }

  async close(): Promise<void> {
    await Promise.all(this.#releasing);
  }

  async isFree(run: Run, { recordId, score }: Blocked): Promise<boolean> {
    return (await this.#scripts['recheck-blocked']([], { ...runArgument(run), recordId, score })) === 1;
  }

  /** @param from the lease on the record that leads to the user, when called for the second lock. */
  async #lock(request: LockRequest, from?: Lease): Promise<Begun> {
    const { run } = request;
    const calledAt = performance.now();
    const argument = { ...lockArgument(request), ...(from !== undefined && { knownAs: 'found' }) };
    const { circuits } = this.#options;
    const begin = { begin: this.#scripts.begin, circuits, settledKey: this.#settledKey(run.jobId) };
    const { reply, passage } = await beginAndPass(begin, request, argument);
    switch (reply[0]) {
      case 'lost':
        return { is: 'lost' };
      case 'unpublished':
        await this.#publishFor(reply[1], reply[2]);
        return this.#lock(request, from);
      case 'settled':
        return { is: 'settled', settled: settledBefore(reply[1], reply[2], this.#options.sign) };
      case 'blocked':
        await this.#promote(reply[3]);
        return { is: 'blocked', recordId: reply[1], score: argument.score, patienceMs: Number(reply[2]) };
      case 'held':
        await this.#promote(reply[2]);
        return { is: 'held', circuit: reply[1] };
      case 'locked': {
        const [, recordId, flat, ownRecordId, promotions] = reply;
        from?.end();
        await this.#promote(promotions);
        const fields = pairsOf(flat);
        const record = await this.#withoutDeadCreate(recordOf(fields, runNameOf(run)));
        const lease = this.#leases.add(recordId, runNameOf(run), calledAt);
        return {
          is: 'locked',
          user: this.#lockOf({
            recordId,
            fields: knownFields(fields, request.job.name),
            record,
            request,
            ownRecordId,
            lease,
          }),
          passage,
        };
      }
    }
  }

  #lockOf({ recordId, fields, record, request, ownRecordId, lease }: LockedRecord): UserLock {
    const { run, job, address, hashId } = request;
    const isOfAnotherName = ownRecordId !== '';
    // Another run handles what an earlier rename left open under the name.
    let lockedClientId = isOfAnotherName ? { recordId: ownRecordId, wasGiven: true } : undefined;
    /** The arguments of settle.lua about a user at the end of a run. */
    const changeFor = (recordUpdate: RecordUpdate, ...also: string[]): SettleArgument => {
      lease.end();
      const isOpen =
        recordUpdate.mayHaveRenamed === true ||
        (lockedClientId?.wasGiven === true && !('renamedTo' in recordUpdate || 'movedTo' in recordUpdate));
      const hashIdIn = recordUpdate.instance === undefined ? hashId : hashIdFor(recordUpdate.instance);
      const change = changeOf(recordUpdate, recordId, hashIdIn, job.version, fields);
      change.set.push(...also);
      return {
        recordId,
        ...change,
        isDeleted: recordUpdate.record.deleted !== undefined,
        also: lockedClientId && { recordId: lockedClientId.recordId, isGiven: isOpen },
        version: job.version,
      };
    };
    return {
      record,
      lock: { key: `${this.#base}${recordId}`, field: 'lockRun', value: runNameOf(run) },
      isOfAnotherName,
      maySend: () => lease.holdsFor(this.#options.timeoutMs),
      lockAlso: (userId) => this.#lock({ ...request, address: { ...address, userId } }, lease),
      lockClientId: async (clientId, instance) => {
        const argument = { ...runArgument(run), id: hashIdFor(instance)('client', clientId), recordId };
        const reply = LockClientIdReply.parse(await this.#scripts['lock-client-id']([], argument));
        if (reply[0] !== 'locked') return { is: reply[0] === 'lost' ? 'lost' : 'blocked' };
        lockedClientId = { recordId: reply[1], wasGiven: reply[3] === 1 };
        return { is: 'locked', record: recordOf(pairsOf(reply[2]), runNameOf(run)) };
      },
      settle: (settlement, recordUpdate) =>
        this.#settle(run, changeFor(recordUpdate, 'lockSettled', '1'), settlement),
      end: () => lease.end(),
      unlock: async (recordUpdate, why: Later = { status: 'wait' }) => {
        const argument = {
          ...changeFor(recordUpdate, 'unlockedBy', runNameOf(run)),
          later: JSON.stringify(why),
        };
        const reply = SettleReply.parse(await this.#end(run, argument));
        if (reply[0] !== 'ok') return 'lost';
        await this.#promote(reply[1]);
        return 'ok';
      },
    };
  }

  async #settle(run: Run, change: SettleArgument, settlement: Settlement): Promise<SettledJob | 'lost'> {
    const { prefix, sign } = this.#options;
    const { jobId } = run;
    const { deletions, statement } = settlement;
    const at = change.version === undefined ? 0 : msOf(change.version);
    const about = deletions && { is: deletions.is, at, jobId, decision: decisionKeyOf(prefix, jobId) };
    const { hasRunBefore } = run;
    const end = { ...change, ...endOf(settlement, jobId, prefix), hasRunBefore };
    const settleWith = (receipt?: NextReceipt, names: object = {}) => {
      const argument = { ...end, deletions: about && { ...about, ...names }, receipt };
      return this.#end(run, argument, linesOf(settlement));
    };
    const settleNamed = async (receipt?: NextReceipt) =>
      deletions === undefined
        ? settleWith(receipt)
        : this.#deletionNames.call(deletions, ({ salt, hashes }) => settleWith(receipt, { salt, hashes }));
    const reply = SettleReply.parse(
      await (statement === undefined ? settleNamed() : this.#appendReceipt(statement, settleNamed)),
    );
    if (reply[0] === 'lost') return 'lost';
    if (reply[0] === 'settled') return settledBefore(reply[1], reply[2], sign);
    const [, promotions, older, sequence, previous, user] = reply;
    await this.#promote(promotions);
    return settledNow(settlement, jobId, { older, sequence, previous, user }, sign);
  }

  /** @param texts the stored outcome of a settled job. */
  async #end(run: Run, change: SettleArgument, texts: readonly string[] = []): Promise<unknown> {
    const argument = { ...runArgument(run), timestamp: String(run.timestamp), ...change };
    return this.#scripts.settle([this.#settledKey(run.jobId)], argument, texts);
  }

  async #release(argument: {
    jobId: string;
    recordId: string;
    erased: readonly string[];
    keepsOutcome: boolean;
  }) {
    await this.#promote(
      Promotions.parse(await this.#scripts.release([this.#settledKey(argument.jobId)], argument)),
    );
  }

  /** The job that locked the user is settled, but its event may be unpublished: it precedes ours. */
  async #publishFor(jobId: string, recordId: string): Promise<void> {
    const event = (await this.find(jobId))?.event;
    if (event !== undefined) await this.#options.publish(event);
    await this.#release({ jobId, recordId, erased: [], keepsOutcome: true });
  }

  #settledKey(jobId: string): string {
    return `${this.#options.prefix}:settled:${jobId}`;
  }

  /** Removes what earlier runs of an unsent deletion left open, and takes it out of the user's queue of blocked jobs. */
  async #withdraw(run: Run, { instance, address, version }: Whose): Promise<void> {
    const argument = { jobId: run.jobId, version, ...userArgument(run, hashIdFor(instance), address) };
    await this.#promote(Promotions.parse(await this.#scripts.withdraw([], argument)));
  }

  /** The recorded create was removed by hand or ended without a user: no job waits for it any more. */
  async #withoutDeadCreate(record: UserRecord): Promise<UserRecord> {
    if (record.pending === undefined || (await this.#options.jobQueue.isPending(jobIdOf(record.pending))))
      return record;
    return { ...record, pending: undefined };
  }
}

interface LockedRecord {
  /** The key of the record. */
  recordId: string;
  /** The record as stored. */
  fields: Readonly<Record<string, string>>;
  record: UserRecord;
  request: LockRequest;
  /** The second locked key, if the user is stored under another clientId; else ''. */
  ownRecordId: string;
  lease: Lease;
}

/** The arguments of settle.lua. */
type SettleArgument = Change & { recordId: string; version?: Version | undefined; [field: string]: unknown };
