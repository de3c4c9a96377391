/**
 * A pipeline over the Damoov in memory of the operations' tests: userState, circuits, deletion guard and queues answer as the test
 * wants, and every call of them is noted. The failure detector, the cipher and the receipts are the real ones.
 */
import type { UserEvent } from '../../src/contract/event.ts';
import { type Receipt, GENESIS, signReceipt } from '../../src/contract/receipt.ts';
import type { Version } from '../../src/contract/version.ts';
import type { Instance, RecordUpdate, UserRecord } from '../../src/operations/context.ts';
import { outageOf } from '../../src/redis/refusal.ts';
import type { Delivery, Pipeline, RunReport } from '../../src/lifecycle/delivery.ts';
import type { DeletionGuard } from '../../src/lifecycle/ports/deletion-guard.ts';
import type { CircuitName, Circuits, Passage, Refusal } from '../../src/lifecycle/ports/circuits.ts';
import { runJob } from '../../src/lifecycle/pipeline.ts';
import { createJobCipher } from '../../src/lifecycle/encryption.ts';
import type {
  Address,
  Begun,
  Blocked,
  UserLock,
  Run,
  SettledJob,
  Settlement,
  UserState,
  Whose,
} from '../../src/lifecycle/ports/user-state.ts';
import { FailureDetector } from '../../src/lifecycle/failure-detector.ts';
import {
  A,
  INSTANCE,
  NOW,
  type OperationWorldOptions,
  createOperationWorld,
} from '../operations/operation-world.ts';

export interface PipelineWorldOptions {
  /** The users at Damoov, and its abilities. */
  damoov?: OperationWorldOptions;
  instances?: Record<string, Instance>;
  /** What is known of the user. Default: nothing. */
  record?: Partial<UserRecord>;
  passage?: Partial<Passage>;
  /** What a run is answered that begins, if it does not get the user. */
  begins?: Exclude<Begun, { is: 'locked' }>;
  /** Whether the run gets the user of a look-up. Default: yes. */
  claims?: Blocked | { is: 'lost' };
  /** Whether the run gets the clientId that its user is to get. Default: yes. */
  lockedName?: 'blocked' | 'lost';
  /** Default: a deletion with its receipt, the next one of its instance, and anything else as it is. */
  settles?: 'lost';
  /** Done before a settlement is kept. */
  onSettle?: (settlement: Settlement) => Promise<void>;
  /** Default: ok. */
  letsGo?: 'lost';
  /** How the job was settled before, where that is known. Default: it was not. */
  earlier?: SettledJob;
  /** Failed jobs of the user that is deleted. Default: none. */
  olderFailed?: Version[];
  /** Whether the user is this run's for as long as a request takes. Default: yes. */
  maySend?: (userId: string | undefined) => boolean;
  /** Done before an event is published. */
  onPublish?: (event: UserEvent) => Promise<void>;
  /** Default: held. */
  refuses?: Awaited<ReturnType<Circuits['refuse']>>;
  /** Default: open, and requested when the job was added. */
  checks?: Partial<Awaited<ReturnType<DeletionGuard['check']>>>;
  /** Default: go. */
  authorizations?: Awaited<ReturnType<DeletionGuard['authorizeDelete']>>;
  /** Default: go. */
  authorizesSuspension?: 'go' | 'changed' | 'lost';
  attempts?: number;
}

const RUN: Run = {
  jobId: 'job',
  nonce: 'nonce',
  timestamp: NOW,
  stalls: 0,
  hasRunBefore: false,
};

/** Where a user lies that a job has settled. */
export const USER = 'a user';

/** How a job was settled before. */
export const DONE: SettledJob = {
  kept: {
    outcome: { status: 'done', type: 'user.created', userId: A, existed: false },
    attempts: 2,
    at: 1,
  },
  user: 'a user',
  isKept: false,
  olderFailed: [],
};

/** What comes after a job is settled, in this order. */
export const FINISH = ['publish', 'keep', 'release'];

/** Whose job it is, and what an update changes. */
export const C1 = { clientId: 'c-1', instance: 'default' };
export const CHANGES = { changes: { phone: '1' } };

export function createPipelineWorld(options: PipelineWorldOptions = {}) {
  const { instances = { default: INSTANCE }, record, passage, ...answers } = options;
  const damoov = createOperationWorld(options.damoov);
  const begun: { name: string; version: Version; address: Address; must: readonly CircuitName[] }[] = [];
  const settled: { settlement: Settlement; recordUpdate: RecordUpdate; user: string | undefined }[] = [];
  const aside: { settlement: Settlement; whose: Whose | undefined }[] = [];
  const unlock: RecordUpdate[] = [];
  const refusals: { version: Version; refusal: Refusal }[] = [];
  const probed: [CircuitName, boolean][] = [];
  const authorizations: unknown[] = [];
  const reports: RunReport[] = [];
  const published: UserEvent[] = [];
  /** What the queue keeps of the job. */
  const kept: unknown[] = [];
  const erased: (readonly Version[])[] = [];
  const released: SettledJob[] = [];
  const ended: (string | undefined)[] = [];
  const steps: string[] = [];
  let head = { sequence: 0, hash: GENESIS };

  const withReceipt = (settlement: Settlement): Settlement => {
    const { outcome, event, statement } = settlement;
    if (statement === undefined || event.type !== 'user.deleted') return settlement;
    const receipt: Receipt = signReceipt({ ...statement, sequence: head.sequence + 1, previous: head.hash });
    head = { sequence: receipt.sequence, hash: receipt.hash };
    return {
      ...settlement,
      outcome: { ...outcome, receipt } as Settlement['outcome'],
      event: { ...event, data: { ...event.data, receipt } },
    };
  };
  const settledOf = (settlement: Settlement): SettledJob => {
    const { outcome, attempts, event } = withReceipt(settlement);
    const { olderFailed = [] } = answers;
    return {
      kept: { outcome, attempts, at: Date.parse(event.time) },
      event,
      user: USER,
      isKept: false,
      olderFailed,
    };
  };
  const held = (known: Partial<UserRecord> = {}): UserLock => ({
    record: { generation: 0, state: 'unknown', isInDoubt: false, fields: {}, ...known },
    lock: { key: 'user', field: 'lockRun', value: 'job nonce' },
    isOfAnotherName: false,
    maySend: () => answers.maySend?.(known.userId) ?? true,
    async lockAlso(userId) {
      steps.push(`claim ${userId}`);
      if (answers.claims !== undefined) return answers.claims;
      return { is: 'locked', user: held({ userId }), passage: { open: [], probes: [] } };
    },
    async lockClientId(clientId) {
      steps.push(`lock name ${clientId}`);
      if (answers.lockedName !== undefined) return { is: answers.lockedName };
      return { is: 'locked', record: held().record };
    },
    async settle(settlement, recordUpdate) {
      steps.push('settle');
      await answers.onSettle?.(settlement);
      settled.push({ settlement, recordUpdate, user: known.userId });
      return answers.settles ?? settledOf(settlement);
    },
    end: () => void ended.push(known.userId),
    async unlock(recordUpdate) {
      steps.push('let go');
      unlock.push(recordUpdate);
      return answers.letsGo ?? 'ok';
    },
  });
  const userState: UserState = {
    async begin(_run, { name, version }, _instance, address, { must }) {
      begun.push({ name, version, address, must });
      return (
        answers.begins ?? {
          is: 'locked',
          user: held(record),
          passage: { open: [], probes: [], ...passage },
        }
      );
    },
    async settleWithoutUser(_run, settlement, whose) {
      aside.push({ settlement, whose });
      return answers.earlier ?? settledOf(settlement);
    },
    async find() {
      steps.push('find');
      return answers.earlier;
    },
    release(_jobId, settled) {
      steps.push('release');
      released.push(settled);
    },
    close: () => Promise.resolve(),
    isFree: () => Promise.reject(new Error('the pipeline delays nothing')),
  };
  const { client, now, pause } = damoov.context;
  const retry = { attempts: answers.attempts ?? 15, baseMs: 1000, maxMs: 600_000 };
  const failureDetector = new FailureDetector({ retry });
  const pipeline: Pipeline = {
    jobsQueue: 'user-jobs',
    source: '/damoov-users/damoov/user-jobs',
    instances: new Map(Object.entries(instances)),
    instanceNames: new Map(Object.entries(instances).map(([name, { id }]) => [id, name])),
    ports: { client, userIdMode: damoov.context.userIdMode, lagMs: damoov.context.lagMs, now, pause },
    userState,
    cipher: createJobCipher(new Map(Object.entries(instances))),
    circuits: {
      async refuse(_run, version, refusal) {
        steps.push('refuse');
        refusals.push({ version, refusal });
        return answers.refuses ?? 'held';
      },
      async probed(_run, circuit, hasPassed) {
        steps.push(`probed ${circuit}`);
        probed.push([circuit, hasPassed]);
      },
    },
    deletions: {
      async check({ timestamp }) {
        return { is: 'open', requestedAt: timestamp, ...answers.checks };
      },
      async authorizeSuspension() {
        steps.push('authorize suspension');
        return answers.authorizesSuspension ?? 'go';
      },
      async noteSuspension(_run, state) {
        steps.push(`note ${state}`);
      },
      async authorizeDelete(_run, _lock, instance, ids, kind) {
        steps.push('authorize');
        authorizations.push({ instance, ...ids, kind });
        return answers.authorizations ?? 'go';
      },
    },
    failureDetector,
    jobQueue: {
      async erase(versions) {
        steps.push('erase');
        erased.push(versions);
      },
    },
    async publish(event) {
      steps.push('publish');
      await answers.onPublish?.(event);
      published.push(event);
    },
    proveReceipt: (statement) => void signReceipt({ ...statement, sequence: 1, previous: GENESIS }),
    retry,
    outageOf,
    onRun: (report) => void reports.push(report),
  };

  return {
    pipeline,
    damoov,
    failureDetector,
    begun,
    settled,
    /** What was settled without a user. */
    aside,
    unlock,
    refusals,
    probed,
    authorizations,
    reports,
    published,
    kept,
    erased,
    released,
    /** Whose runs are over. */
    ended,
    /** The calls of the ports once the job had begun, in order. */
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
          isFresh: () => true,
          keep: async (data) => {
            steps.push('keep');
            kept.push(data);
          },
          signal: new AbortController().signal,
          ...delivery,
        },
        pipeline,
      ),
  };
}
