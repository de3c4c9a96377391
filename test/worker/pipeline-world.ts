/**
 * A pipeline over the Damoov in memory of the operations' tests: ledger, gates and deletion guard answer as the test wants,
 * and every call of them is noted. The witness, the seal and the receipts are the real ones.
 */
import { GENESIS, signReceipt } from '../../src/contract/receipt.ts';
import type { Version } from '../../src/contract/version.ts';
import type { Instance, Learnt, UserRecord } from '../../src/operations/context.ts';
import { isRedisFault } from '../../src/redis/refusal.ts';
import type { Delivery, Pipeline, RunReport } from '../../src/worker/delivery.ts';
import type { DeletionGuard } from '../../src/worker/deletion-guard.ts';
import type { GateName, Gates, Passage, Refusal } from '../../src/worker/gates.ts';
import { runJob } from '../../src/worker/pipeline.ts';
import { createSeal } from '../../src/worker/seal.ts';
import { createTurns } from '../../src/worker/turns.ts';
import type {
  Address,
  Begun,
  HeldUser,
  KeptSettlement,
  Run,
  Settlement,
  UserLedger,
  Whose,
} from '../../src/worker/user-ledger.ts';
import { Witness } from '../../src/worker/witness.ts';
import {
  INSTANCE,
  NOW,
  type OperationWorldOptions,
  createOperationWorld,
} from '../operations/operation-world.ts';

export interface PipelineWorldOptions {
  /** Who is at Damoov, and what it can do. */
  damoov?: OperationWorldOptions;
  instances?: Record<string, Instance>;
  /** What is known of the user. Default: nothing. */
  record?: Partial<UserRecord>;
  passage?: Partial<Passage>;
  /** What a run is answered that begins, if it does not get the user. */
  begins?: Exclude<Begun, { is: 'taken' }>;
  /** Whether the run gets the user of a look-up. Default: yes. */
  claims?: 'busy' | 'lost';
  /** Whether the run gets the clientId that its user is to get. Default: yes. */
  lockedName?: 'busy' | 'lost';
  /** Default: ok, and for a receipt that is not the next one of its instance: overtaken. */
  settles?: 'lost';
  /** Done before a settlement is kept. */
  onSettle?: (settlement: Settlement) => Promise<void>;
  /** Default: ok. */
  letsGo?: 'lost';
  /** How a job that takes no user was settled before. Default: it was not. */
  earlier?: KeptSettlement | 'lost';
  /** Default: held. */
  refuses?: Awaited<ReturnType<Gates['refuse']>>;
  /** Default: go. */
  commits?: Awaited<ReturnType<DeletionGuard['commit']>>;
  attempts?: number;
}

const RUN: Run = { jobId: 'job', token: 'token', nonce: 'nonce', timestamp: NOW, stalls: 0 };

export function createPipelineWorld(options: PipelineWorldOptions = {}) {
  const { instances = { default: INSTANCE }, record, passage, ...answers } = options;
  const damoov = createOperationWorld(options.damoov);
  const begun: { name: string; version: Version; address: Address; must: readonly GateName[] }[] = [];
  const settled: { settlement: Settlement; learnt: Learnt; user: string | undefined }[] = [];
  const aside: { settlement: Settlement; whose: Whose | undefined }[] = [];
  const letGo: Learnt[] = [];
  const refusals: { version: Version; refusal: Refusal }[] = [];
  const probed: [GateName, boolean][] = [];
  const commits: unknown[] = [];
  const reports: RunReport[] = [];
  const steps: string[] = [];
  let head = { sequence: 0, hash: GENESIS };

  const held = (known: Partial<UserRecord> = {}): HeldUser => ({
    record: { generation: 0, state: 'unknown', isInDoubt: false, fields: {}, ...known },
    isOfAnotherName: false,
    async claim(userId) {
      steps.push(`claim ${userId}`);
      if (answers.claims !== undefined) return { is: answers.claims };
      return { is: 'taken', user: held({ userId }), passage: { shut: [], probes: [] } };
    },
    async lockName(clientId) {
      steps.push(`lock name ${clientId}`);
      if (answers.lockedName !== undefined) return { is: answers.lockedName };
      return { is: 'locked', record: held().record };
    },
    async settle(settlement, learnt) {
      steps.push('settle');
      await answers.onSettle?.(settlement);
      const { outcome } = settlement;
      const receipt = 'receipt' in outcome ? outcome.receipt : undefined;
      if (receipt !== undefined && receipt.sequence !== head.sequence + 1) return 'overtaken';
      if (receipt !== undefined) head = { sequence: receipt.sequence, hash: receipt.hash };
      settled.push({ settlement, learnt, user: known.userId });
      return answers.settles ?? 'ok';
    },
    async letGo(learnt) {
      steps.push('let go');
      letGo.push(learnt);
      return answers.letsGo ?? 'ok';
    },
  });
  const ledger: UserLedger = {
    async begin(_run, { name, version }, _instance, address, { must }) {
      begun.push({ name, version, address, must });
      return (
        answers.begins ?? {
          is: 'taken',
          user: held(record),
          passage: { shut: [], probes: [], ...passage },
        }
      );
    },
    async settleUnread(_run, settlement, whose) {
      aside.push({ settlement, whose });
      return answers.earlier;
    },
  };
  const { client, now, pause } = damoov.context;
  const retry = { attempts: answers.attempts ?? 15, baseMs: 1000, maxMs: 600_000 };
  const witness = new Witness({ retry });
  const pipeline: Pipeline = {
    jobsQueue: 'user-jobs',
    source: '/damoov-users/damoov/user-jobs',
    instances: new Map(Object.entries(instances)),
    instanceNames: new Map(Object.entries(instances).map(([name, { id }]) => [id, name])),
    ports: { client, userIdMode: damoov.context.userIdMode, lagMs: damoov.context.lagMs, now, pause },
    ledger,
    seal: createSeal(new Map(Object.entries(instances))),
    gates: {
      async refuse(_run, version, refusal) {
        steps.push('refuse');
        refusals.push({ version, refusal });
        return answers.refuses ?? 'held';
      },
      async probed(_run, gate, hasPassed) {
        steps.push(`probed ${gate}`);
        probed.push([gate, hasPassed]);
      },
    },
    deletions: {
      async commit(_run, instance, ids, kind) {
        steps.push('commit');
        commits.push({ instance, ...ids, kind });
        return answers.commits ?? 'go';
      },
    },
    witness,
    receipts: {
      headOf: async () => head,
      sign: (statement) => signReceipt(statement),
      inTurn: createTurns(),
    },
    retry,
    isOutage: isRedisFault,
    onRun: (report) => void reports.push(report),
  };

  return {
    pipeline,
    damoov,
    witness,
    begun,
    settled,
    /** What was settled without a user. */
    aside,
    letGo,
    refusals,
    probed,
    commits,
    reports,
    /** What was asked of the ports once the job had begun, in order. */
    steps,
    /** Another worker writes the next receipt of the instance. */
    addReceipt: (hash: string) => {
      head = { sequence: head.sequence + 1, hash };
    },
    run: (name: string, data: unknown, delivery: Partial<Delivery> = {}) =>
      runJob(
        {
          ...RUN,
          id: RUN.jobId,
          name,
          text: typeof data === 'string' ? data : JSON.stringify(data),
          delayMs: 0,
          attempt: 1,
          maySend: () => true,
          signal: new AbortController().signal,
          ...delivery,
        },
        pipeline,
      ),
  };
}
