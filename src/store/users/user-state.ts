/**
 * Keeps users' records in Redis: one small hash a user, under a keyed hash of who it is. Calls the scripts; what the versions mean is
 * decided elsewhere. No name, email, phone or clientId enters a key or a value.
 */
import type { Queue } from 'bullmq';
import { type Version, jobIdOf, msOf } from '../../contract/version.ts';
import type { RecordUpdate, UserRecord } from '../../operations/context.ts';
import type { RedisCircuits } from '../circuits/circuits.ts';
import type { JobQueue, Publish } from '../../lifecycle/ports/job-queue.ts';
import type {
  Address,
  Begun,
  UserLock,
  Run,
  SettledJob,
  Settlement,
  UserState,
  Whose,
} from '../../lifecycle/ports/user-state.ts';
import { createDeletionNames, decisionKeyOf } from '../deletions/deletion-names.ts';
import { type NextReceipt, createReceiptChain } from '../receipts/receipt-chain.ts';
import { type Lease, createLeases } from './leases.ts';
import { type Change, NOTHING, changeOf } from './record-change.ts';
import { recordOf } from './record-fields.ts';
import { BeginReply, ExtendReply, NameReply, SettleReply, Wakes, pairsOf } from './script-replies.ts';
import { type Sign, endOf, linesOf, settledBefore, settledNow } from './settled-job.ts';
import { nameOf, nameOfUser, runOf, whom } from './run-names.ts';
import { type Naming, namingOf } from './user-hash.ts';
import { userScripts } from './user-scripts.ts';

export interface UserStateOptions {
  prefix: string;
  /** The queue of the jobs; its connection is the userState's. */
  jobs: Queue;
  jobQueue: Pick<JobQueue, 'promote' | 'isPending'>;
  circuits: Pick<RedisCircuits, 'keysOf' | 'clock'>;
  /** How long a user stays locked without a sign of life, in milliseconds. */
  leaseMs: number;
  /** The deadline of one request, in milliseconds. */
  timeoutMs: number;
  publish: Publish;
  sign: Sign;
}

/** The userState under the prefix of the jobs' queue, and so in the same slot of a cluster. */
export function createUserState(options: UserStateOptions): UserState {
  const { prefix, jobs, jobQueue, circuits, leaseMs, timeoutMs, publish, sign } = options;
  const base = `${prefix}:user:`;
  const scripts = userScripts({ jobs, prefix, base, leaseMs });
  const deletionNames = createDeletionNames({ jobs, prefix });
  const appendReceipt = createReceiptChain({ prefix, jobs, sign });
  const settledKey = (jobId: string) => `${prefix}:settled:${jobId}`;
  const releasing = new Set<Promise<void>>();
  const leases = createLeases({
    leaseMs,
    extend: async (held) => ExtendReply.parse(await scripts.extend([], held)).map((isOurs) => isOurs === 1),
  });

  return {
    begin: (run, job, instance, address, circuits) =>
      take({ run, job, naming: namingOf(instance), address, circuits }),
    async settleUnread(run, settlement, whose) {
      if (whose !== undefined && settlement.deletions?.is === 'unsent') await withdraw(run, whose);
      const name = whose && nameOfUser(run, whose);
      const told = { place: '', ...NOTHING, isDeleted: true, whose: name, version: whose?.version };
      const settled = await settle(run, told, settlement);
      if (settled === 'lost') throw new Error('a job of no user cannot be lost');
      return settled;
    },
    async find(jobId) {
      const text = await storedOf(jobId);
      return text === null ? undefined : settledBefore(text, [], sign);
    },
    release(jobId, { kept, user: place, isKept, olderFailed: erased }) {
      const keepsOutcome = isKept || kept.outcome.status === 'failed';
      const released = release({ jobId, place, erased, keepsOutcome })
        .catch(() => {})
        .finally(() => releasing.delete(released));
      releasing.add(released);
    },
    close: async () => void (await Promise.all(releasing)),
    async isFree(run, { place, score }) {
      return (await scripts['look-again']([], { ...runOf(run), place, score })) === 1;
    },
  };

  /** @param from the lease on the record that leads to the user, if it is that one's turn. */
  async function take(hold: LockRequest, from?: Lease): Promise<Begun> {
    const { run, job, address } = hold;
    const ahead = [...hold.circuits.must, ...hold.circuits.may];
    const namesOf = (places: readonly number[]) => places.flatMap((place) => ahead[place] ?? []);
    const askedAt = performance.now();
    const asked = {
      ...circuits.clock(),
      ...runOf(run),
      ...whom(run, hold.naming, address),
      ...(from !== undefined && { knownAs: 'found' }),
      timestamp: String(run.timestamp),
      hasRunBefore: run.hasRunBefore,
      name: job.name,
      version: job.version,
      score: String(msOf(job.version)),
      asksFor: job.asksFor,
      mustPass: hold.circuits.must.length,
    };
    const reply = BeginReply.parse(
      await scripts.begin([settledKey(run.jobId), ...circuits.keysOf(ahead)], asked),
    );
    switch (reply[0]) {
      case 'lost':
        return { is: 'lost' };
      case 'unpublished':
        await publishFor(reply[1], reply[2]);
        return take(hold, from);
      case 'settled':
        return { is: 'settled', settled: settledBefore(reply[1], reply[2], sign) };
      case 'blocked':
        from?.end();
        await wake(reply[3]);
        return { is: 'blocked', place: reply[1], score: asked.score, patienceMs: Number(reply[2]) };
      case 'held': {
        await wake(reply[2]);
        const [circuit] = namesOf([reply[1]]);
        if (circuit === undefined) throw new Error('held before a circuit that is not the job’s');
        return { is: 'held', circuit };
      }
      case 'locked': {
        const [, place, flat, open, probes, ownName, wakes] = reply;
        from?.end();
        await wake(wakes);
        const fields = pairsOf(flat);
        const record = await withoutDeadCreate(recordOf(fields, nameOf(run)));
        const lease = leases.add(place, nameOf(run), askedAt);
        return {
          is: 'locked',
          user: held({ place, fields, record, hold, ownName, lease }),
          passage: { open: namesOf(open), probes: namesOf(probes) },
        };
      }
    }
  }

  function held({ place, fields, record, hold, ownName, lease }: Taken): UserLock {
    const { run, job, address, naming } = hold;
    const isOfAnotherName = ownName !== '';
    // What an earlier rename has left open under it is not this run's to close.
    let lockedName = isOfAnotherName ? { place: ownName, wasGiven: true } : undefined;
    /** What settle.lua is told of a user when its run ends. */
    const learn = (recordUpdate: RecordUpdate, ...also: string[]): Told => {
      lease.end();
      const isOpen =
        (recordUpdate.mayHaveRenamed ?? false) ||
        (lockedName?.wasGiven === true && recordUpdate.renamedTo === undefined);
      const change = changeOf(recordUpdate, place, naming, job.version, fields);
      change.set.push(...also);
      return {
        place,
        ...change,
        isDeleted: recordUpdate.record.deleted !== undefined,
        also: lockedName && { place: lockedName.place, isGiven: isOpen },
        version: job.version,
      };
    };
    return {
      record,
      lock: { key: `${base}${place}`, field: 'lockRun', value: nameOf(run) },
      isOfAnotherName,
      maySend: () => lease.holdsFor(timeoutMs),
      lockAlso: (userId) => take({ ...hold, address: { ...address, userId } }, lease),
      async lockName(clientId) {
        const asked = { ...runOf(run), name: naming('client', clientId), place };
        const reply = NameReply.parse(await scripts['lock-name']([], asked));
        if (reply[0] !== 'locked') return { is: reply[0] === 'lost' ? 'lost' : 'blocked' };
        lockedName = { place: reply[1], wasGiven: reply[3] === 1 };
        return { is: 'locked', record: recordOf(pairsOf(reply[2]), nameOf(run)) };
      },
      settle: (settlement, recordUpdate) => settle(run, learn(recordUpdate, 'lockSettled', '1'), settlement),
      end: () => lease.end(),
      async unlock(recordUpdate) {
        const reply = SettleReply.parse(await end(run, learn(recordUpdate, 'letGoBy', nameOf(run))));
        if (reply[0] !== 'ok') return 'lost';
        await wake(reply[1]);
        return 'ok';
      },
    };
  }

  async function settle(run: Run, told: Told, settlement: Settlement): Promise<SettledJob | 'lost'> {
    const { jobId } = run;
    const { deletions } = settlement;
    const isNamed = deletions?.clientId !== undefined || deletions?.userId !== undefined;
    const at = told.version === undefined ? 0 : msOf(told.version);
    const about = deletions && { is: deletions.is, at, jobId, decision: decisionKeyOf(prefix, jobId) };
    const settleWith = (receipt?: NextReceipt, names: object = {}) =>
      end(
        run,
        {
          ...told,
          ...endOf(settlement, jobId, prefix),
          hasRunBefore: run.hasRunBefore,
          deletions: about && { hashes: [], ...about, ...names },
          receipt,
        },
        linesOf(settlement),
      );
    const settleNamed = async (receipt?: NextReceipt) =>
      deletions !== undefined && isNamed
        ? deletionNames.call(deletions, ({ salt, hashes }) => settleWith(receipt, { salt, hashes }))
        : settleWith(receipt);
    const { statement } = settlement;
    const reply = SettleReply.parse(
      await (statement === undefined ? settleNamed() : appendReceipt(statement, settleNamed)),
    );
    if (reply[0] === 'lost') return 'lost';
    if (reply[0] === 'settled') return settledBefore(reply[1], reply[2], sign);
    const [, wakes, older, sequence, previous, user] = reply;
    await wake(wakes);
    return settledNow(settlement, jobId, { older, sequence, previous, user }, sign);
  }

  /** @param texts what is stored of a settled job. */
  async function end(run: Run, told: Told, texts: readonly string[] = []): Promise<unknown> {
    const asked = { ...runOf(run), timestamp: String(run.timestamp), ...told };
    return scripts.settle([settledKey(run.jobId)], asked, texts);
  }

  async function release(told: {
    jobId: string;
    place: string;
    erased: readonly string[];
    keepsOutcome: boolean;
  }) {
    await wake(Wakes.parse(await scripts.release([settledKey(told.jobId)], told)));
  }

  /** The job that has the user was settled, and it is not known whether its event was published: it comes before ours. */
  async function publishFor(jobId: string, place: string): Promise<void> {
    const text = await storedOf(jobId);
    const event = text === null ? undefined : settledBefore(text, [], sign).event;
    if (event !== undefined) await publish(event);
    await release({ jobId, place, erased: [], keepsOutcome: true });
  }

  async function storedOf(jobId: string): Promise<string | null> {
    return (await jobs.getBackend().client).get(settledKey(jobId));
  }

  /** What earlier runs of a deletion that was never sent have left open about the user is closed, and it waits in no line. */
  async function withdraw(run: Run, { instance, address }: Whose): Promise<void> {
    const asked = { jobId: run.jobId, ...whom(run, namingOf(instance), address) };
    await wake(Wakes.parse(await scripts.withdraw([], asked)));
  }

  /** That create was removed by hand, or has ended without its user: no job has to wait for it any more. */
  async function withoutDeadCreate(record: UserRecord): Promise<UserRecord> {
    if (record.pending === undefined || (await jobQueue.isPending(jobIdOf(record.pending)))) return record;
    return { ...record, pending: undefined };
  }

  /** Has blocked jobs run; one whose promotion fails sleeps until its timer wakes it. */
  async function wake(wakes: readonly string[]): Promise<void> {
    if (wakes.length > 0) await Promise.all(wakes.map((wake) => promote(wake).catch(() => {})));
  }

  async function promote(wakened: string): Promise<void> {
    const at = wakened.indexOf(' ');
    const [place, jobId] = [wakened.slice(0, at), wakened.slice(at + 1)];
    if ((await jobQueue.promote(jobId)) !== 'gone' || place === '') return;
    await wake(Wakes.parse(await scripts.withdraw([], { place, jobId })));
  }
}

interface LockRequest {
  run: Run;
  job: Parameters<UserState['begin']>[1];
  naming: Naming;
  address: Address;
  circuits: Parameters<UserState['begin']>[4];
}

interface Taken {
  /** Where the record lies. */
  place: string;
  /** As it lies there. */
  fields: Readonly<Record<string, string>>;
  record: UserRecord;
  hold: LockRequest;
  /** What is locked besides, as the user lies under another clientId; or ''. */
  ownName: string;
  lease: Lease;
}

/** What settle.lua is told. */
type Told = Change & { place: string; version?: Version | undefined; [field: string]: unknown };
