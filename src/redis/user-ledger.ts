/**
 * Keeps the ledger in Redis: one small hash a user, under a keyed hash of who it is. Knows the keys and how the scripts are
 * called; what the versions mean is decided elsewhere. No name, email, phone or clientId enters a key or a value.
 */
import type { Queue } from 'bullmq';
import { z } from 'zod';
import type { UserEvent } from '../contract/event.ts';
import { msOf } from '../contract/version.ts';
import type { Instance, UserRecord } from '../operations/context.ts';
import {
  type Address,
  type Begun,
  type HeldUser,
  type Run,
  type Settlement,
  type UserLedger,
  KeptSettlement,
} from '../worker/user-ledger.ts';
import { type LedgerScripts, loadLedgerScripts } from './ledger-scripts.ts';
import type { Argument } from './lua.ts';
import { type Change, NOTHING, changeOf } from './record-change.ts';
import { recordOf } from './record-fields.ts';
import { hashesOf } from './user-hash.ts';

/** Records go 30 days after their last use, later than any failed job. */
const KEEP_S = 30 * 24 * 3600;
/** A settlement outlives every redelivery; it goes when its job has completed. */
const KEEP_SETTLED_S = 7 * 24 * 3600;

/** An add to a queue, as the scripts take it. */
export interface PreparedAdd {
  keys: readonly string[];
  args: readonly Argument[];
}

export interface LedgerOptions {
  prefix: string;
  /** The queue of the jobs; its connection is the ledger's. */
  jobs: Queue;
  /** How long a job's lock holds, in milliseconds. */
  lockMs: number;
  /** Prepares the adds of an event to all events queues. */
  prepareEvent: (event: UserEvent) => Promise<PreparedAdd[]>;
}

export interface RedisUserLedger extends UserLedger {
  /** These jobs have completed: nobody will ask for their settlement again. Never rejects. */
  forgetSettled(jobIds: readonly string[]): void;
}

/** The ledger under the prefix of the jobs' queue, and so in the same slot of a cluster. */
export function createUserLedger(options: LedgerOptions): RedisUserLedger {
  const { prefix, jobs, lockMs, prepareEvent } = options;
  // Asked for when the first job comes: the service starts also while Redis is away.
  let scripts: Promise<LedgerScripts> | undefined;
  const load = () => (scripts ??= jobs.getBackend().client.then(loadLedgerScripts));
  const jobsBase = jobs.toKey('');
  const settledKey = (jobId: string) => `${prefix}:settled:${jobId}`;
  const lockKey = (jobId: string) => `${jobsBase}${jobId}:lock`;
  const promoteKeys = promoteKeysOf(jobs);
  const bases = [`${prefix}:user:`, jobsBase];

  return {
    begin: (run, job, instance, address) => take({ run, job, instance, address }),
    async settleUnread(run, settlement) {
      await end(run, '', NOTHING, settlement);
    },
    forgetSettled(jobIds) {
      // What is not removed now expires.
      if (jobIds.length === 0) return;
      jobs
        .getBackend()
        .client.then((client) => client.del(...jobIds.map(settledKey)))
        .catch(() => {});
    },
  };

  async function take(hold: Hold, isFound = false): Promise<Begun> {
    const { run, job, instance, address } = hold;
    const { jobId, token } = run;
    const { client, user } = hashesOf(instance, address, { id: jobId, timestamp: job.timestamp });
    const parking = jobs
      .getBackend()
      .moveToDelayedArgs(jobId, Date.now(), token, PARK_LOCKS * lockMs, { skipAttempt: true })
      // BullMQ leaves out what it does not need, and the client would send that as an empty text.
      .map((argument) => argument ?? '');
    const knownAs = isFound ? 'found' : (address.userIdIs ?? 'named');
    const reply = Reply.parse(
      await (
        await load()
      ).begin(
        [
          settledKey(jobId),
          `${jobsBase}${jobId}`,
          lockKey(jobId),
          ...parking.slice(0, 11).map(String),
          ...promoteKeys,
        ],
        [
          ...bases,
          jobId,
          token,
          nameOf(run),
          msOf(job.version),
          lockMs,
          KEEP_S,
          job.name,
          client,
          user,
          address.userId ?? '',
          knownAs,
          ...parking.slice(11),
        ],
      ),
    );
    switch (reply[0]) {
      case 'lost':
      case 'busy':
        return { is: reply[0] };
      case 'settled':
        return { is: 'settled', settlement: KeptSettlement.parse(JSON.parse(reply[1])) };
      case 'taken':
        return {
          is: 'taken',
          user: held(reply[1], recordOf(pairsOf(reply[2]), nameOf(run)), hold, instance),
        };
    }
  }

  function held(hash: string, record: UserRecord, hold: Hold, instance: Instance): HeldUser {
    const { run, job, address } = hold;
    return {
      record,
      claim: (userId) => take({ ...hold, address: { ...address, userId } }, true),
      settle: (settlement, learnt) =>
        end(run, hash, changeOf(learnt, hash, instance, job.version), settlement),
      letGo: (learnt) => end(run, hash, changeOf(learnt, hash, instance, job.version)),
    };
  }

  async function end(
    run: Run,
    hash: string,
    change: Change,
    settlement?: Settlement,
  ): Promise<'ok' | 'lost'> {
    const { jobId, token } = run;
    const adds = settlement === undefined ? [] : await prepareEvent(settlement.event);
    const kept = settlement === undefined ? '' : JSON.stringify(keptOf(settlement, run));
    const reply = await (
      await load()
    ).settle(
      [settledKey(jobId), lockKey(jobId), ...promoteKeys, ...adds.flatMap(({ keys }) => keys)],
      [
        ...bases,
        jobId,
        token,
        hash,
        lockMs,
        KEEP_S,
        kept,
        KEEP_SETTLED_S,
        JSON.stringify(change),
        ...adds.flatMap(({ args }) => args),
      ],
    );
    return z.enum(['ok', 'lost']).parse(reply);
  }
}

/** How many locks long a parked job sleeps at the most where nobody wakes it; the further back in line, the longer. */
const PARK_LOCKS = 1.5;

interface Hold {
  run: Run;
  job: Parameters<UserLedger['begin']>[1];
  instance: Instance;
  address: Address;
}

const Reply = z.union([
  z.tuple([z.enum(['lost', 'busy'])]),
  z.tuple([z.literal('settled'), z.string()]),
  z.tuple([z.literal('taken'), z.string(), z.array(z.string())]),
]);

function promoteKeysOf({ keys }: Queue): string[] {
  const names = ['delayed', 'wait', 'paused', 'meta', 'prioritized', 'active', 'pc', 'events', 'marker'];
  return names.map((name) => keys[name] ?? '');
}

function nameOf({ jobId, nonce }: Run): string {
  return `${jobId} ${nonce}`;
}

function pairsOf(flat: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    flat.flatMap((name, index) => (index % 2 === 0 ? [[name, flat[index + 1] ?? '']] : [])),
  );
}

function keptOf({ outcome, attempts, event }: Settlement, { stalls, timestamp }: Run): object {
  const {
    accessToken: _secret,
    refreshToken: _secretToo,
    ...rest
  } = { accessToken: '', refreshToken: '', ...outcome };
  return { outcome: rest, attempts, at: Date.parse(event.time), stalls, timestamp: String(timestamp) };
}
