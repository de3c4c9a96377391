/**
 * Carries one job out whose user is this run's: the operation, what its end means, and how it is settled or goes on later.
 */
import type { UserJob } from '../contract/job.ts';
import { type Gate, type Settled, isSettled } from '../contract/outcome.ts';
import type { DamoovOperation } from '../damoov/errors.ts';
import { type Instance, type Learnt, type OperationContext, GIVEN_UP } from '../operations/context.ts';
import { classify, describeUnexpected } from './classify.ts';
import { type Delivery, type Pipeline, runOf, versionOfDelivery } from './delivery.ts';
import { gateName } from './gates.ts';
import type { ReadJob } from './job-data.ts';
import { leaveOpen } from './open-ends.ts';
import { ReceiptError, receiptOf } from './receipt.ts';
import { ended, settlementOf } from './settlement.ts';
import { takeSteps } from './take-steps.ts';
import type { Begun, HeldUser } from './user-ledger.ts';
import { type Verdict, UnsettledError, endOfPatience, later } from './verdict.ts';
import { watchedClient } from './watched-client.ts';
import type { RunWitness } from './witness.ts';

/** How long a job waits that Damoov does not answer here, while it answers others; another worker may take it then. */
const ELSEWHERE_MS = 1000;

/** A job that is read, of an instance that is known. */
export interface Readable {
  job: UserJob;
  read: ReadJob;
  instance: Instance;
  delivery: Delivery;
}

/** Carries the job out; where the run was to try a gate for all, says how that went. */
export async function carryOut(readable: Readable, begun: Taken, pipeline: Pipeline): Promise<Verdict> {
  const { job } = readable;
  // What is still to be told of a gate must not be lost with a job that is over already.
  const isScout = begun.passage.probes.length > 0;
  const delivery = isScout ? { ...readable.delivery, completion: undefined } : readable.delivery;
  const seen = pipeline.witness.follow(delivery.id, job.data.instance, begun.passage);
  const verdict = await attempt({ ...readable, delivery }, begun, seen, pipeline);
  for (const gate of begun.passage.probes) {
    const isRefused = verdict.next === 'held' && verdict.gate === gate;
    if (!isRefused) await pipeline.gates.probed(runOf(delivery), gate, seen.hasPassed(gate));
  }
  return verdict;
}

type Taken = Extract<Begun, { is: 'taken' }>;

async function attempt(
  { job, read, instance, delivery }: Readable,
  begun: Taken,
  seen: RunWitness,
  pipeline: Pipeline,
): Promise<Verdict> {
  let { user } = begun;
  let givenUp: Verdict = { next: 'lost' };
  let hasCommitted = false;
  const { id, timestamp, maySend, signal } = delivery;
  const watch = {
    maySend,
    isAdminShut: begun.passage.shut.includes('admin'),
    passed: (gate: Gate, operation: DamoovOperation) => seen.passed(gate, operation),
  };
  const context: OperationContext = {
    ...pipeline.ports,
    client: watchedClient(pipeline.ports.client, watch),
    instance,
    job: {
      id,
      timestamp,
      version: versionOfDelivery(delivery, job.data.occurredAt),
    },
    record: user.record,
    instanceNames: pipeline.instanceNames,
    async lock(userId) {
      const claimed = await user.claim(userId);
      if (claimed.is === 'taken') {
        user = claimed.user;
        return user;
      }
      if (claimed.is === 'busy') givenUp = { next: 'parked' };
      return GIVEN_UP;
    },
    async lockName(clientId) {
      const name = await user.lockName(clientId);
      if (name.is === 'locked') return name.record;
      return name.is === 'busy' ? 'busy' : GIVEN_UP;
    },
    async authorizeDelete(ids, kind) {
      const answer = await pipeline.deletions.commit(runOf(delivery), job.data.instance, ids, kind);
      if (answer === 'lost') return GIVEN_UP;
      hasCommitted = answer === 'go' && kind === 'sends';
      return answer;
    },
    signal,
  };

  const effect = await takeSteps(job, context).catch((error: unknown) => ({
    outcome: classify(error),
    error,
  }));
  if (effect === GIVEN_UP) return givenUp;
  const error = 'error' in effect ? effect.error : undefined;
  const outcome = endOfPatience(seen.weigh(effect.outcome, error), delivery.attempt, pipeline.retry);
  const { version } = context.job;
  const end = { ...effect, outcome, hasCommitted };
  const learnt = leaveOpen(job, version, user.record, end, pipeline.ports.now());
  if (!isSettled(outcome)) {
    if ((await user.letGo(learnt)) === 'lost') return { next: 'lost' };
    if (outcome.status !== 'quarantine') return later(outcome, delivery.attempt, pipeline.retry);
    const gate = gateName(outcome.gate, job.data.instance);
    const refused = await pipeline.gates.refuse(runOf(delivery), version, { ...outcome, gate });
    if (refused !== 'open') return refused === 'held' ? { next: 'held', gate, outcome } : { next: 'lost' };
    const wait = { status: 'wait', reason: outcome.reason, delayMs: ELSEWHERE_MS } as const;
    return later(wait, delivery.attempt, pipeline.retry);
  }
  const settled = () =>
    settle(outcome, { job, read, instance, delivery }, user, learnt, pipeline).catch((cause: unknown) => {
      throw new UnsettledError('the job could not be settled', { cause });
    });
  // Each receipt names the one before it: of several that are written at once all but one would be written anew.
  return job.name === 'delete-user' ? pipeline.receipts.inTurn(job.data.instance, settled) : settled();
}

/**
 * Settles the job: a deletion with its receipt, written anew where the chain of its instance has gone on meanwhile. A deletion whose
 * receipt cannot be written is reported without.
 */
async function settle(
  outcome: Settled,
  { job, read, instance, delivery }: Readable,
  user: HeldUser,
  learnt: Learnt,
  pipeline: Pipeline,
): Promise<Verdict> {
  for (;;) {
    let attested = outcome;
    let fault: string | undefined;
    if (job.name === 'delete-user' && outcome.status === 'done' && outcome.type === 'user.deleted') {
      try {
        const receipt = await receiptOf(outcome, job, instance, delivery, pipeline.receipts);
        attested = { ...outcome, receipt };
      } catch (error) {
        // What a key refuses bears a code, as a lost connection does.
        const isUnwritable = error instanceof ReceiptError;
        if (!isUnwritable && pipeline.isOutage(error)) throw error;
        fault = `no receipt could be written: ${describeUnexpected(isUnwritable ? error.cause : error)}`;
      }
    }
    const kept = { outcome: attested, attempts: delivery.attempt, at: pipeline.ports.now() };
    const end = await user.settle(settlementOf(kept, read, delivery, pipeline), learnt);
    if (end === 'lost') return { next: 'lost' };
    if (end === 'ok')
      return { ...ended(kept, read, delivery, pipeline), ...(fault !== undefined && { fault }) };
  }
}
