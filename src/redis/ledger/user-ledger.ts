/**
 * Keeps the ledger in Redis: one small hash a user, under a keyed hash of who it is. Knows the keys and how the scripts are
 * called; what the versions mean is decided elsewhere. No name, email, phone or clientId enters a key or a value.
 */
import type { Queue } from 'bullmq';
import { z } from 'zod';
import { type UserEvent, withoutTokens } from '../../contract/event.ts';
import { isKeyedJobId } from '../../contract/keyed-job-id.ts';
import { isJobName } from '../../contract/job.ts';
import { type Version, msOf } from '../../contract/version.ts';
import type { Learnt, UserRecord } from '../../operations/context.ts';
import {
  type Address,
  type Begun,
  type HeldUser,
  type Run,
  type Settlement,
  type UserLedger,
  type Whose,
  KeptSettlement,
} from '../../worker/user-ledger.ts';
import { luaJson } from '../lua-json.ts';
import { type Names, createDeletionNames } from '../deletions/deletion-names.ts';
import type { RedisGates } from '../gates/gates.ts';
import type { PreparedAdd } from '../prepare-add.ts';
import { ledgerScripts } from './ledger-scripts.ts';
import { KEEP_TOKENS_S, type UserTokens, userTokensKey } from '../user-tokens.ts';
import { type Change, NOTHING, changeOf } from './record-change.ts';
import { countOf } from './outcome-counts.ts';
import { chainKey } from './receipt-chain.ts';
import { recordOf } from './record-fields.ts';
import { sweepKeyOf } from './sweep.ts';
import { type Naming, hashesOf, namingOf } from './user-hash.ts';

/** Records go 30 days after their last use, later than any failed job. */
const KEEP_S = 30 * 24 * 3600;
/** A settlement outlives every redelivery; it goes when its job has completed. */
const KEEP_SETTLED_S = 7 * 24 * 3600;
/** But for one under an idempotency key: it stays for whoever asks again when the queue keeps the job no longer. */
const KEEP_KEYED_S = 24 * 3600;

export interface LedgerOptions {
  prefix: string;
  /** The queue of the jobs; its connection is the ledger's. */
  jobs: Queue;
  gates: Pick<RedisGates, 'keysOf' | 'beginArgs'>;
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
  const { prefix, jobs, gates, lockMs, prepareEvent } = options;
  const scripts = ledgerScripts(jobs);
  const names = createDeletionNames({ jobs, prefix });
  const jobsBase = jobs.toKey('');
  const settledKey = (jobId: string) => `${prefix}:settled:${jobId}`;
  const lockKey = (jobId: string) => `${jobsBase}${jobId}:lock`;
  const sweepKey = sweepKeyOf(prefix);
  const bases = [`${prefix}:user:`, jobsBase];

  return {
    begin: (run, job, instance, address, gates) =>
      take({ run, job, naming: namingOf(instance), address, gates }),
    async settleUnread(run, settlement, whose) {
      const change = whose === undefined ? NOTHING : { ...NOTHING, whose: nameOfUser(run, whose) };
      const reply = await end(run, '', change, settlement, whose?.version);
      if (reply === 'lost') return reply;
      return typeof reply === 'string' ? undefined : keptIn(reply[1]);
    },
    forgetSettled(jobIds) {
      // What is not removed now expires.
      const forgotten = jobIds.filter((jobId) => !isKeyedJobId(jobId));
      if (forgotten.length === 0) return;
      jobs
        .getBackend()
        .client.then((client) => client.del(...forgotten.map(settledKey)))
        .catch(() => {});
    },
  };

  async function take(hold: Hold, isFound = false): Promise<Begun> {
    const { run, job, naming, address } = hold;
    const { jobId, token } = run;
    const { client, user } = hashesOf(naming, address, { id: jobId, timestamp: job.timestamp });
    const knownAs = isFound ? 'found' : (address.userIdIs ?? 'named');
    const ahead = [...hold.gates.must, ...hold.gates.may];
    const namesOf = (places: readonly number[]) => places.flatMap((place) => ahead[place] ?? []);
    const reply = Reply.parse(
      await scripts.begin(
        [settledKey(jobId), `${jobsBase}${jobId}`, lockKey(jobId), ...gates.keysOf(ahead)],
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
          Date.now(),
          PARK_LOCKS * lockMs,
          hold.gates.must.length,
          ...gates.beginArgs(),
          job.asksFor ?? 'derived',
        ],
      ),
    );
    switch (reply[0]) {
      case 'lost':
      case 'busy':
      case 'cancelled':
      case 'refused':
        return { is: reply[0] };
      case 'held': {
        const [gate] = namesOf([reply[1]]);
        if (gate === undefined) throw new Error('held before a gate that is not the job’s');
        return { is: 'held', gate };
      }
      case 'settled':
        return { is: 'settled', settlement: keptIn(reply[1]) };
      case 'taken':
        return {
          is: 'taken',
          user: held(reply[1], recordOf(pairsOf(reply[2]), nameOf(run)), hold, reply[5]),
          passage: { shut: namesOf(reply[3]), probes: namesOf(reply[4]) },
        };
    }
  }

  /** @param ownName what is locked besides, as the user lies under another clientId; or ''. */
  function held(hash: string, record: UserRecord, hold: Hold, ownName: string): HeldUser {
    const { run, job, address, naming } = hold;
    const isOfAnotherName = ownName !== '';
    // What an earlier rename has left open under it is not this run's to close.
    let lockedName = isOfAnotherName ? { hash: ownName, wasGiven: true } : undefined;
    const endHeld = async (learnt: Learnt, settlement?: Settlement) => {
      const isOpen =
        (learnt.mayHaveRenamed ?? false) || (lockedName?.wasGiven === true && learnt.renamedTo === undefined);
      const also = lockedName === undefined ? {} : { also: { hash: lockedName.hash, isGiven: isOpen } };
      const change = { ...changeOf(learnt, hash, naming, job.version), ...also };
      const ended = await end(run, hash, change, settlement, job.version);
      return typeof ended === 'string' ? ended : 'lost';
    };
    return {
      record,
      isOfAnotherName,
      claim: (userId) => take({ ...hold, address: { ...address, userId } }, true),
      async lockName(clientId) {
        const { jobId, token } = run;
        const [records, jobs] = bases;
        const name = naming('client', clientId);
        const asked = { records, jobs, jobId, token, name, own: hash, keepS: KEEP_S };
        const reply = NameReply.parse(await scripts.lockName([lockKey(jobId)], [luaJson(asked)]));
        if (reply[0] !== 'locked') return { is: reply[0] };
        lockedName = { hash: reply[1], wasGiven: reply[3] === 1 };
        return { is: 'locked', record: recordOf(pairsOf(reply[2]), nameOf(run)) };
      },
      settle: (settlement, learnt) => endHeld(learnt, settlement),
      letGo: async (learnt) => ((await endHeld(learnt)) === 'ok' ? 'ok' : 'lost'),
    };
  }

  async function end(
    run: Run,
    hash: string,
    change: Change,
    settlement?: Settlement,
    version?: Version,
  ): Promise<Ended> {
    const { jobId, token } = run;
    const adds = settlement === undefined ? [] : await prepareEvent(settlement.event);
    const kept = settlement === undefined ? '' : luaJson(keptOf(settlement, run));
    const settle = (returned?: Names) =>
      scripts.settle(
        [
          settledKey(jobId),
          lockKey(jobId),
          ...(returned === undefined ? [] : [returned.saltKey, ...returned.keys]),
        ],
        [
          ...bases,
          jobId,
          token,
          hash,
          lockMs,
          KEEP_S,
          kept,
          isKept(settlement, run) ? KEEP_KEYED_S : KEEP_SETTLED_S,
          luaJson({
            ...change,
            queues: adds.map(({ base }) => base),
            job: settlement && {
              ...endOfJob(settlement, sweepKey),
              ...runOf(run),
              version,
              isKept: isKept(settlement, run),
            },
            receipt: settlement && linkOf(settlement, prefix),
            returned: returned &&
              version && { salt: returned.salt, hashes: returned.hashes, at: msOf(version) },
            count: settlement && countOf(settlement.event, prefix),
            tokens: settlement && tokensOf(settlement, prefix),
          }),
          ...adds.flatMap(({ args }) => args),
          ...(settlement?.completion?.prepare(withoutTokens(settlement.event.data)) ?? []),
        ],
      );
    const { returned } = settlement ?? {};
    return followed(adds, async () => {
      const reply = Ended.parse(await (returned === undefined ? settle() : names.call(returned, settle)));
      if (typeof reply === 'string' || reply[0] === 'settled') return reply;
      settlement?.completion?.done(reply[1]);
      return 'ok';
    });
  }
}

/** Whoever follows the adds is told how it went, whatever that was. */
async function followed(adds: readonly PreparedAdd[], settle: () => Promise<Ended>): Promise<Ended> {
  let isAdded = false;
  try {
    const ended = await settle();
    isAdded = ended === 'ok';
    return ended;
  } finally {
    for (const add of adds) add.ended?.(isAdded);
  }
}

function runOf({ nonce: run, stalls, timestamp }: Run): object {
  return { run, stalls, timestamp: String(timestamp) };
}

/** What becomes of the job itself; `sweep` is marked where there may be more to clear away. */
function endOfJob({ outcome, remains }: Settlement, sweep: string): object {
  const isDeletion = outcome.status === 'done' && outcome.type === 'user.deleted';
  const isSweepDue = isDeletion || !isJobName(remains.name);
  return { ...remains, hasFailed: outcome.status === 'failed', ...(isSweepDue && { sweep }) };
}

/** The tokens that came with a sign-up; of a user that is deleted, none. */
function tokensOf({ event }: Settlement, prefix: string): object | undefined {
  const { type, data } = event;
  if (data.userId === undefined) return undefined;
  const key = userTokensKey(prefix, data.userId);
  if (type === 'user.deleted') return { key };
  if (type !== 'user.created') return undefined;
  const { jobId, accessToken, refreshToken } = data;
  if (accessToken === undefined && refreshToken === undefined) return undefined;
  const value: UserTokens = { jobId, accessToken, refreshToken };
  return { key, value: JSON.stringify(value), keepS: KEEP_TOKENS_S };
}

/** The receipt's place in the chain of its instance. */
function linkOf({ outcome }: Settlement, prefix: string): object | undefined {
  if (!('receipt' in outcome) || outcome.receipt === undefined) return undefined;
  const { instance, previous, sequence, hash } = outcome.receipt;
  return { key: chainKey(prefix, instance), previous, sequence, hash };
}

/** The name that leads to the user whom an unread job concerns. */
function nameOfUser({ jobId: id, timestamp }: Run, { instance, address }: Whose): string {
  const { client, user } = hashesOf(namingOf(instance), address, { id, timestamp });
  return client === '' ? user : client;
}

const Ended = z.union([
  z.enum(['ok', 'lost', 'overtaken']),
  z.tuple([z.literal('settled'), z.string()]),
  z.tuple([z.literal('completed'), z.unknown()]),
]);
type Ended = Exclude<z.infer<typeof Ended>, ['completed', unknown]>;

function keptIn(settlement: string): KeptSettlement {
  return KeptSettlement.parse(JSON.parse(settlement));
}

/** How many locks long a parked job sleeps at the most where nobody wakes it; the further back in line, the longer. */
const PARK_LOCKS = 1.5;

interface Hold {
  run: Run;
  job: Parameters<UserLedger['begin']>[1];
  naming: Naming;
  address: Address;
  gates: Parameters<UserLedger['begin']>[4];
}

const Reply = z.union([
  z.tuple([z.enum(['lost', 'busy', 'cancelled', 'refused'])]),
  z.tuple([z.literal('settled'), z.string()]),
  z.tuple([z.literal('held'), z.number()]),
  z.tuple([
    z.literal('taken'),
    z.string(),
    z.array(z.string()),
    z.array(z.number()),
    z.array(z.number()),
    z.string(),
  ]),
]);

const NameReply = z.union([
  z.tuple([z.enum(['lost', 'busy'])]),
  z.tuple([z.literal('locked'), z.string(), z.array(z.string()), z.number()]),
]);

function nameOf({ jobId, nonce }: Run): string {
  return `${jobId} ${nonce}`;
}

function pairsOf(flat: readonly string[]): Record<string, string> {
  const pairs: Record<string, string> = {};
  for (let at = 0; at < flat.length; at += 2) pairs[flat[at] ?? ''] = flat[at + 1] ?? '';
  return pairs;
}

function keptOf({ outcome, attempts, event }: Settlement, run: Run): object {
  const {
    accessToken: _secret,
    refreshToken: _secretToo,
    ...rest
  } = { accessToken: '', refreshToken: '', ...outcome };
  return {
    outcome: rest,
    attempts,
    at: Date.parse(event.time),
    ...runOf(run),
    ...(isKept({ outcome }, run) && { isKept: true }),
  };
}

/** Whether a job that comes under the same id later is the same request, and ends as this one did. */
function isKept(settlement: Pick<Settlement, 'outcome'> | undefined, { jobId }: Run): boolean {
  return settlement !== undefined && settlement.outcome.status !== 'failed' && isKeyedJobId(jobId);
}
