/**
 * Keeps users' records in Redis: one small hash a user, under a keyed hash of who it is. Knows the keys and how the scripts are
 * called; what the versions mean is decided elsewhere. No name, email, phone or clientId enters a key or a value.
 */
import type { Queue } from 'bullmq';
import { z } from 'zod';
import { UserEvent } from '../../contract/event.ts';
import { isKeyedJobId } from '../../contract/job-options.ts';
import type { Receipt } from '../../contract/receipt.ts';
import type { Settled } from '../../contract/outcome.ts';
import { type Version, isOlder, jobIdOf, msOf } from '../../contract/version.ts';
import type { Learnt, UserRecord } from '../../operations/context.ts';
import { luaJson } from '../../redis/lua-json.ts';
import {
  type Names,
  KEEP_NAME_S,
  createDeletionNames,
  decisionKeyOf,
  namesBaseOf,
  pendingKeyOf,
} from '../deletions/deletion-names.ts';
import type { RedisGates } from '../circuits/circuits.ts';
import { type Link, type NextReceipt, createReceiptChain } from '../receipts/receipt-chain.ts';
import { KEEP_TOKENS_S, type UserTokens, userTokensKey } from './user-tokens.ts';
import type { JobQueue, Publish } from '../../lifecycle/ports/job-queue.ts';
import {
  type Address,
  type Begun,
  type HeldUser,
  type Run,
  type SettledJob,
  type Settlement,
  type Unchained,
  type UserLedger,
  type Whose,
  KeptSettlement,
} from '../../lifecycle/ports/user-state.ts';
import { type Lease, createLeases } from './leases.ts';
import { countOf } from './outcome-counts.ts';
import { NOTHING, changeOf } from './record-change.ts';
import { recordOf, versionIn } from './record-fields.ts';
import { type Naming, hashesOf, namingOf } from './user-hash.ts';
import { userScripts } from './user-scripts.ts';

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
  jobQueue: Pick<JobQueue, 'promote' | 'isPending'>;
  gates: Pick<RedisGates, 'keysOf' | 'clock'>;
  /** How long a user stays locked without a sign of life, in milliseconds. */
  leaseMs: number;
  /** The deadline of one request, in milliseconds. */
  timeoutMs: number;
  publish: Publish;
  /** Signs receipts, where it has the key that they name. */
  sign: (statement: Unchained & Link) => Receipt;
}

/** The ledger under the prefix of the jobs' queue, and so in the same slot of a cluster. */
export function createUserLedger(options: LedgerOptions): UserLedger {
  const { prefix, jobs, jobQueue, gates, leaseMs, timeoutMs, publish, sign } = options;
  const scripts = userScripts(jobs);
  const deletionNames = createDeletionNames({ jobs, prefix });
  const appendReceipt = createReceiptChain({ prefix, jobs, sign });
  const base = `${prefix}:user:`;
  const settledKey = (jobId: string) => `${prefix}:settled:${jobId}`;
  const common = { base, leaseMs, keepSeconds: KEEP_S };
  const releasing = new Set<Promise<void>>();
  const leases = createLeases({
    leaseMs,
    extend: async (leases) =>
      z
        .array(z.number())
        .parse(await scripts.extend([], [luaJson({ base, leaseMs, leases })]))
        .map((isOurs) => isOurs === 1),
  });

  return {
    begin: (run, job, instance, address, gates) =>
      take({ run, job, naming: namingOf(instance), address, gates }),
    async settleUnread(run, settlement, whose) {
      if (whose !== undefined && settlement.deletions?.is === 'unsent') await withdraw(run, whose);
      const name = whose && nameOfUser(run, whose);
      const told = { place: '', change: NOTHING, isDeleted: true, whose: name, version: whose?.version };
      const ended = await end(run, told, settlement);
      if (ended === 'lost') throw new Error('a job of no user cannot be lost');
      return ended;
    },
    async find(jobId) {
      const fields = await (await jobs.getBackend().client).hgetall(settledKey(jobId));
      return fields['outcome'] === undefined ? undefined : settledOf(fields, []);
    },
    release(jobId, { kept, user: place, isKept, olderFailed: erased }) {
      const keepsSettlement = isKept || kept.outcome.status === 'failed';
      const told = { ...common, jobId, place, erased, keepsSettlement };
      const released = scripts
        .release([settledKey(jobId)], [luaJson(told)])
        .then((reply) => wake(Wakes.parse(reply)))
        .catch(() => {})
        .finally(() => releasing.delete(released));
      releasing.add(released);
    },
    close: async () => void (await Promise.all(releasing)),
    async isFree(run, { place, score }) {
      const { jobId, stalls } = run;
      const asked = { ...common, place, score, jobId, run: nameOf(run), stalls };
      return (await scripts.lookAgain([], [luaJson(asked)])) === 1;
    },
  };

  /** @param from the lease on the record that leads to the user, if it is that one's turn. */
  async function take(hold: Hold, from?: Lease): Promise<Begun> {
    const { run, job, naming, address } = hold;
    const ahead = [...hold.gates.must, ...hold.gates.may];
    const namesOf = (places: readonly number[]) => places.flatMap((place) => ahead[place] ?? []);
    const askedAt = performance.now();
    const asked = {
      ...common,
      ...gates.clock(),
      ...whom(run, naming, address),
      ...(from !== undefined && { knownAs: 'found' }),
      timestamp: String(run.timestamp),
      hasRunBefore: run.hasRunBefore,
      name: job.name,
      version: job.version,
      score: String(msOf(job.version)),
      asksFor: job.asksFor ?? 'derived',
      mustPass: hold.gates.must.length,
    };
    const reply = Reply.parse(
      await scripts.begin([settledKey(run.jobId), ...gates.keysOf(ahead)], [luaJson(asked)]),
    );
    switch (reply[0]) {
      case 'lost':
        return { is: 'lost' };
      case 'unpublished':
        await publishFor(reply[1], reply[2]);
        return take(hold, from);
      case 'settled':
        return { is: 'settled', settled: settledOf(pairsOf(reply[1]), reply[2]) };
      case 'blocked':
        from?.end();
        await wake(reply[3]);
        return { is: 'busy', place: reply[1], score: asked.score, patienceMs: Number(reply[2]) };
      case 'held': {
        await wake(reply[2]);
        const [gate] = namesOf([reply[1]]);
        if (gate === undefined) throw new Error('held before a gate that is not the job’s');
        return { is: 'held', gate };
      }
      case 'taken': {
        const [, place, flat, shut, probes, ownName, wakes] = reply;
        from?.end();
        await wake(wakes);
        const fields = pairsOf(flat);
        const record = await withoutDeadCreate(recordOf(fields, nameOf(run)));
        const lease = leases.add(place, nameOf(run), askedAt);
        return {
          is: 'taken',
          user: held({ place, fields, record, hold, ownName, lease }),
          passage: { shut: namesOf(shut), probes: namesOf(probes) },
        };
      }
    }
  }

  function held({ place, fields, record, hold, ownName, lease }: Taken): HeldUser {
    const { run, job, address, naming } = hold;
    const isOfAnotherName = ownName !== '';
    // What an earlier rename has left open under it is not this run's to close.
    let lockedName = isOfAnotherName ? { place: ownName, wasGiven: true } : undefined;
    const endHeld = async (learnt: Learnt, settlement?: Settlement) => {
      lease.end();
      const isOpen =
        (learnt.mayHaveRenamed ?? false) || (lockedName?.wasGiven === true && learnt.renamedTo === undefined);
      const change = changeOf(learnt, place, naming, job.version, fields);
      change.set.push(...(settlement === undefined ? ['letGoBy', nameOf(run)] : ['lockSettled', '1']));
      const told = {
        place,
        change,
        isDeleted: learnt.record.deleted !== undefined,
        also: lockedName && { place: lockedName.place, isGiven: isOpen },
        version: job.version,
      };
      return end(run, told, settlement);
    };
    return {
      record,
      lock: { key: `${base}${place}`, field: 'lockRun', value: nameOf(run) },
      isOfAnotherName,
      maySend: () => lease.holdsFor(timeoutMs),
      claim: (userId) => take({ ...hold, address: { ...address, userId } }, lease),
      async lockName(clientId) {
        const { jobId, stalls } = run;
        const name = naming('client', clientId);
        const asked = { ...common, jobId, run: nameOf(run), stalls, name, place };
        const reply = NameReply.parse(await scripts.lockName([], [luaJson(asked)]));
        if (reply[0] !== 'locked') return { is: reply[0] === 'lost' ? 'lost' : 'busy' };
        lockedName = { place: reply[1], wasGiven: reply[3] === 1 };
        return { is: 'locked', record: recordOf(pairsOf(reply[2]), nameOf(run)) };
      },
      settle: (settlement, learnt) => endHeld(learnt, settlement),
      end: () => lease.end(),
      letGo: async (learnt) => ((await endHeld(learnt)) === 'lost' ? 'lost' : 'ok'),
    };
  }

  /** What earlier runs of a deletion that was never sent have left open about the user is closed, and it waits in no line. */
  async function withdraw(run: Run, { instance, address }: Whose): Promise<void> {
    const asked = { ...common, ...whom(run, namingOf(instance), address) };
    await wake(Wakes.parse(await scripts.withdraw([], [luaJson(asked)])));
  }

  async function end(
    run: Run,
    told: { version?: Version | undefined; isDeleted?: boolean },
    settlement?: Settlement,
  ): Promise<SettledJob | 'lost'> {
    const { jobId, stalls, timestamp } = run;
    const isKept = settlement !== undefined && isKeptFor(settlement, jobId);
    const { deletions } = settlement ?? {};
    const settle = (receipt?: NextReceipt, names?: Names) =>
      scripts.settle(
        [settledKey(jobId)],
        [
          luaJson({
            ...common,
            ...told,
            jobId,
            run: nameOf(run),
            stalls,
            timestamp: String(timestamp),
            hasRunBefore: run.hasRunBefore,
            ...(settlement !== undefined && {
              settlement: {
                fields: fieldsOf(settlement, run, isKept),
                hasFailed: settlement.outcome.status === 'failed',
                keepSeconds: isKept ? KEEP_KEYED_S : KEEP_SETTLED_S,
              },
              deletions: deletions && {
                ...deletionsOf(jobId, names),
                is: deletions.is,
                at: told.version === undefined ? 0 : msOf(told.version),
              },
              count: countOf(settlement.event, prefix),
              tokens: tokensOf(settlement, prefix),
              receipt,
            }),
          }),
        ],
      );
    const isNamed = deletions?.clientId !== undefined || deletions?.userId !== undefined;
    const settleWith = async (receipt?: NextReceipt) =>
      deletions !== undefined && isNamed
        ? deletionNames.call(deletions, async (names) => settle(receipt, names))
        : settle(receipt);
    const reply = Ended.parse(
      await (settlement?.statement ? appendReceipt(settlement.statement, settleWith) : settleWith()),
    );
    if (reply[0] === 'lost') return 'lost';
    if (reply[0] === 'settled') return settledOf(pairsOf(reply[1]), reply[2]);
    const [, wakes, older, sequence, previous, user] = reply;
    await wake(wakes);
    if (settlement === undefined) return NOT_SETTLED;
    const { attempts, event, statement } = settlement;
    const kept = { outcome: withoutSecrets(settlement.outcome), attempts, at: Date.parse(event.time) };
    const link = { sequence: Number(sequence), previous };
    return attested({ kept, event, user, isKept, olderFailed: erasableOf(older) }, statement, link);
  }

  /** What the script has to know of the deletions of a user; without names it knows the job alone. */
  function deletionsOf(jobId: string, names: Names | undefined): object {
    return {
      saltKey: names?.saltKey,
      salt: names?.salt,
      index: pendingKeyOf(prefix),
      base: namesBaseOf(prefix),
      hashes: names?.hashes ?? [],
      keepS: KEEP_NAME_S,
      jobId,
      decision: decisionKeyOf(prefix, jobId),
    };
  }

  /** As it lies in Redis. */
  function settledOf(fields: Record<string, string>, older: readonly string[]): SettledJob {
    const { outcome = '', attempts, at, event, statement, sequence, previous = '', user = '' } = fields;
    const kept = { outcome: JSON.parse(outcome) as unknown, attempts: Number(attempts), at: Number(at) };
    return attested(
      {
        kept: KeptSettlement.parse(kept),
        event: event === undefined ? undefined : UserEvent.parse(JSON.parse(event)),
        user,
        isKept: fields['isKept'] !== undefined,
        olderFailed: erasableOf(older),
      },
      statement === undefined ? undefined : Statement.parse(JSON.parse(statement)),
      { sequence: Number(sequence), previous },
    );
  }

  /** A deletion with its receipt, once that has its place. */
  function attested(settled: SettledJob, statement: Unchained | undefined, link: Link): SettledJob {
    const { kept, event } = settled;
    if (statement === undefined) return settled;
    const receipt = sign({ ...statement, ...link });
    return {
      ...settled,
      kept: KeptSettlement.parse({ ...kept, outcome: { ...kept.outcome, receipt } }),
      event: event?.type === 'user.deleted' ? { ...event, data: { ...event.data, receipt } } : event,
    };
  }

  /** The job that has the user was settled, and nobody knows whether its event was published: it comes before ours. */
  async function publishFor(jobId: string, place: string): Promise<void> {
    const client = await jobs.getBackend().client;
    const fields = await client.hgetall(settledKey(jobId));
    if (fields['event'] !== undefined) {
      const { event } = settledOf(fields, []);
      if (event !== undefined) await publish(event);
    }
    const told = { ...common, jobId, place, erased: [], keepsSettlement: true };
    await wake(Wakes.parse(await scripts.release([settledKey(jobId)], [luaJson(told)])));
  }

  /** That create was removed by hand, or has ended without its user: nobody has to wait for it any more. */
  async function withoutDeadCreate(record: UserRecord): Promise<UserRecord> {
    if (record.pending === undefined || (await jobQueue.isPending(jobIdOf(record.pending)))) return record;
    return { ...record, pending: undefined };
  }

  /** Has blocked jobs run; one that is not told sleeps until its timer wakes it. */
  async function wake(wakes: readonly string[]): Promise<void> {
    if (wakes.length > 0) await Promise.all(wakes.map((wake) => promote(wake).catch(() => {})));
  }

  async function promote(wake: string): Promise<void> {
    const at = wake.indexOf(' ');
    const [place, jobId] = [wake.slice(0, at), wake.slice(at + 1)];
    if ((await jobQueue.promote(jobId)) !== 'gone' || place === '') return;
    const next = await scripts.passOver([], [luaJson({ ...common, place, jobId })]);
    if (typeof next === 'string') await promote(`${place} ${next}`);
  }
}

interface Hold {
  run: Run;
  job: Parameters<UserLedger['begin']>[1];
  naming: Naming;
  address: Address;
  gates: Parameters<UserLedger['begin']>[4];
}

interface Taken {
  /** Where the record lies. */
  place: string;
  /** As it lies there. */
  fields: Readonly<Record<string, string>>;
  record: UserRecord;
  hold: Hold;
  /** What is locked besides, as the user lies under another clientId; or ''. */
  ownName: string;
  lease: Lease;
}

/** The user was let go, and the job goes on later. */
const NOT_SETTLED: SettledJob = {
  kept: { outcome: { status: 'superseded', by: '' }, attempts: 0, at: 0 },
  user: '',
  isKept: false,
  olderFailed: [],
};

/** Of the deletion's version and those of failed jobs, those that are older than the deletion. */
function erasableOf([deleted, ...failed]: readonly string[]): Version[] {
  const deletion = versionIn(deleted);
  return failed.flatMap((text) => versionIn(text) ?? []).filter((version) => isOlder(version, deletion));
}

function withoutSecrets(outcome: Settled): Settled {
  if (!('accessToken' in outcome) && !('refreshToken' in outcome)) return outcome;
  const { accessToken: _secret, refreshToken: _secretToo, ...rest } = outcome;
  return rest;
}

function nameOf({ jobId, nonce }: Run): string {
  return `${jobId} ${nonce}`;
}

/** Whose run it is, and of which user. */
function whom(run: Run, naming: Naming, address: Address): object {
  const { jobId, stalls, timestamp } = run;
  const { client, user } = hashesOf(naming, address, { id: jobId, timestamp });
  const { userId = '', userIdIs = 'named' } = address;
  const names = { clientHash: client, userHash: user, userId, knownAs: userIdIs };
  return { jobId, run: nameOf(run), stalls, ...names };
}

/** The name that leads to the user whom an unread job concerns. */
function nameOfUser({ jobId: id, timestamp }: Run, { instance, address }: Whose): string {
  const { client, user } = hashesOf(namingOf(instance), address, { id, timestamp });
  return client === '' ? user : client;
}

/** What is kept of a settlement. */
function fieldsOf({ outcome, attempts, event, statement }: Settlement, run: Run, isKept: boolean): object {
  return {
    status: outcome.status,
    outcome: JSON.stringify(withoutSecrets(outcome)),
    attempts: String(attempts),
    at: String(Date.parse(event.time)),
    event: JSON.stringify(event),
    run: nameOf(run),
    stalls: String(run.stalls),
    timestamp: String(run.timestamp),
    ...(isKept && { isKept: '1' }),
    ...(statement !== undefined && { statement: JSON.stringify(statement) }),
  };
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
  return { key, value: JSON.stringify(value), keepSeconds: KEEP_TOKENS_S };
}

/** Whether a job that comes under the same id later is the same request, and ends as this one did. */
function isKeptFor({ outcome }: Settlement, jobId: string): boolean {
  return outcome.status !== 'failed' && isKeyedJobId(jobId);
}

function pairsOf(flat: readonly string[]): Record<string, string> {
  const pairs: Record<string, string> = {};
  for (let at = 0; at < flat.length; at += 2) pairs[flat[at] ?? ''] = flat[at + 1] ?? '';
  return pairs;
}

const Texts = z.array(z.string());
const Wakes = Texts;
/** Of circuits among those that the call named. */
const Places = z.array(z.number());

/** Written by a worker of ours. */
const Statement = z.custom<Unchained>((value) => typeof value === 'object' && value !== null);

/** Those that come most often first: a union tries one after the other. */
const Reply = z.union([
  z.tuple([z.literal('taken'), z.string(), Texts, Places, Places, z.string(), Wakes]),
  z.tuple([z.literal('lost')]),
  z.tuple([z.literal('unpublished'), z.string(), z.string()]),
  z.tuple([z.literal('settled'), Texts, Texts]),
  z.tuple([z.literal('blocked'), z.string(), z.string(), Wakes]),
  z.tuple([z.literal('held'), z.number(), Wakes]),
]);

const Ended = z.union([
  z.tuple([z.literal('ok'), Wakes, Texts, z.string(), z.string(), z.string()]),
  z.tuple([z.literal('lost')]).rest(z.unknown()),
  z.tuple([z.literal('settled'), Texts, Texts]),
]);

const NameReply = z.union([
  z.tuple([z.enum(['lost', 'blocked'])]),
  z.tuple([z.literal('locked'), z.string(), Texts, z.number()]),
]);
