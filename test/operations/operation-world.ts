/**
 * One run of an operation over a Damoov in memory that does what the documentation says, and fails as the test wants. Every
 * call is noted in order.
 */
import type { Version } from '../../src/contract/version.ts';
import { type DamoovErrorKind, type DamoovOperation, DamoovError } from '../../src/damoov/errors.ts';
import type { DamoovUser } from '../../src/damoov/wire.ts';
import { sameUserId } from '../../src/damoov/wire.ts';
import {
  type Effect,
  type Instance,
  type OperationContext,
  type UserIdMode,
  type UserRecord,
  LOCK_LOST,
} from '../../src/operations/context.ts';
import { deriveUserId } from '../../src/operations/derive-user-id.ts';
import { type Failure, takeSteps } from '../../src/lifecycle/take-steps.ts';
import type { CreateUserJob, DeleteUserJob, MoveUserJob, UpdateUserJob } from '../../src/contract/job.ts';

export const INSTANCE: Instance = {
  id: '11111111-1111-4111-8111-111111111111',
  key: 'key',
  secret: 'secret',
};
/** Of another instance that is configured. */
export const OTHER_INSTANCE_ID = '33333333-3333-4333-8333-333333333333';
export const OTHER_INSTANCE: Instance = { id: OTHER_INSTANCE_ID, key: 'other key', secret: 'other secret' };
/** Of one that is not. */
export const FOREIGN_INSTANCE_ID = '99999999-9999-4999-8999-999999999999';
export const NOW = Date.parse('2027-01-31T12:00:00Z');
export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;

/** The UserId that we derive for a clientId. */
export const derived = (clientId = 'c-1', generation = 0) => deriveUserId(INSTANCE, { clientId }, generation);
export const OURS = derived();

export const SIGN_UP = { clientId: 'c-1', createAccessToken: false, profile: {}, instance: 'default' };
export const created = (userId: string, existed: boolean) => ({
  status: 'done',
  type: 'user.created',
  userId,
  existed,
});

/** Random UserIds. */
export const [A = '', B = ''] = ['aaaaaaaa', 'bbbbbbbb'].map(
  (start) => `${start}-0000-4000-8000-000000000000`,
);

/** A version of another job, so many milliseconds before or after the job that runs. */
export const version = (ms: number): Version => `${NOW + ms} 0 other`;

export interface OperationWorldOptions {
  /** What is known of the user. Default: nothing. */
  record?: Partial<UserRecord>;
  /** The users at Damoov. */
  users?: (Partial<DamoovUser> & { userId: string })[];
  mode?: UserIdMode;
  hasAdmin?: boolean;
  /** How long ago the job was added, in milliseconds. */
  ageMs?: number;
  /** The ids of those that are remembered as the users of other clientIds. */
  ofOtherNames?: string[];
  /** What is known of other users, by their ids; `LOCK_LOST`: another job has the user. */
  others?: Record<string, Partial<UserRecord> | typeof LOCK_LOST>;
  /** What is known of the users who bear other clientIds. */
  names?: Record<string, Partial<UserRecord> | 'blocked' | typeof LOCK_LOST>;
  /** What the deletion is answered that asks whether it may be sent. Default: go. */
  authorize?: Awaited<ReturnType<OperationContext['authorizeDelete']>>;
  /** Default: go. */
  authorizesSuspension?: 'go' | 'changed';
  /** Number of look-ups that show no user before they show the real state. */
  lag?: number;
}

type Fault = { error: DamoovError; isApplied: boolean };

export function createOperationWorld(options: OperationWorldOptions = {}) {
  const {
    mode = 'derived',
    hasAdmin = true,
    ageMs = 0,
    others = {},
    names = {},
    authorize = 'go',
    authorizesSuspension = 'go',
    users = [],
  } = options;
  let { lag = 0 } = options;
  let nowMs = NOW;
  const calls: string[] = [];
  const faults: Partial<Record<DamoovOperation, (Fault | undefined)[]>> = {};
  const sent: Record<'create' | 'update', object[]> = { create: [], update: [] };
  let answeredId: string | undefined;
  let hadResultNull = false;
  let tokens = {};

  /** Does it unless this call is to fail before; throws where it is to fail. */
  function perform(operation: DamoovOperation, apply: () => void): void {
    const fault = faults[operation]?.shift();
    if (fault === undefined || fault.isApplied) apply();
    if (fault !== undefined) throw fault.error;
  }

  const client: OperationContext['client'] = {
    hasAdmin,
    async createUser(_instance, { customToken, clientId, ...fields }) {
      calls.push(`create ${customToken ?? '-'}`);
      sent.create.push({ clientId, ...fields });
      const userId = answeredId ?? customToken ?? A;
      perform('create', () => {
        users.push({ userId: userId.toLowerCase(), ...(typeof clientId === 'string' && { clientId }) });
      });
      return { userId, deviceToken: userId, status: 200, ...tokens };
    },
    async updateUser(userId, changes) {
      calls.push(`update ${userId}`);
      sent.update.push(changes);
      perform('update', () => {
        const user = users.find((one) => sameUserId(one.userId, userId));
        if (user === undefined) throw fail('update', 'not-found', 404);
        Object.assign(user, changes);
      });
      return { status: 200, hadResultNull: false };
    },
    async moveUser(userId, { id }) {
      calls.push(`move ${userId} to ${id}`);
      perform('move', () => {
        const user = users.find((one) => sameUserId(one.userId, userId));
        if (user === undefined) throw fail('move', 'not-found', 404);
        Object.assign(user, { instanceId: id.toLowerCase() });
      });
      return { status: 200, hadResultNull: false };
    },
    async deleteUser(userId) {
      calls.push(`delete ${userId}`);
      perform('delete', () => {
        const index = users.findIndex((one) => sameUserId(one.userId, userId));
        if (index < 0) throw fail('delete', 'not-found', 404);
        users.splice(index, 1);
      });
      return { status: 200, hadResultNull };
    },
    async findUsers({ deviceToken, clientId, includeInactive, includeAccountInfo }) {
      calls.push(deviceToken === undefined ? `find ${clientId}` : `find ${deviceToken}`);
      if (includeInactive !== true || includeAccountInfo !== true)
        throw new Error('not all users are asked for');
      perform('find', () => {});
      if (lag > 0) {
        lag -= 1;
        return [];
      }
      const found = users.filter((user) =>
        deviceToken === undefined
          ? // As a service may compare that takes no notice of case.
            user.clientId?.toLowerCase() === clientId?.toLowerCase()
          : sameUserId(user.userId, deviceToken),
      );
      return found.map((user) => ({ ...user }));
    },
  };

  const timestamp = NOW - ageMs;
  const context: OperationContext = {
    client,
    instance: INSTANCE,
    instances: new Map([
      ['default', INSTANCE],
      ['other', OTHER_INSTANCE],
    ]),
    instanceNames: new Map([
      [INSTANCE.id, 'default'],
      [OTHER_INSTANCE_ID, 'other'],
    ]),
    userIdMode: mode,
    lagMs: 15 * MINUTE_MS,
    job: { id: 'job', timestamp, version: `${NOW} 0 job` },
    record: { generation: 0, state: 'unknown', isInDoubt: false, fields: {}, ...options.record },
    async lock(userId) {
      calls.push(`lock ${userId}`);
      const known = others[userId];
      if (known === LOCK_LOST) return LOCK_LOST;
      const record = { generation: 0, state: 'unknown', isInDoubt: false, fields: {}, ...known } as const;
      return { record, isOfAnotherName: options.ofOtherNames?.includes(userId) === true };
    },
    async lockClientId(clientId, { id }) {
      calls.push(`lock name ${clientId}${id === INSTANCE.id ? '' : ` in ${id}`}`);
      const known = names[clientId];
      if (known === LOCK_LOST || known === 'blocked') return known;
      return { generation: 0, state: 'unknown', isInDoubt: false, fields: {}, ...known };
    },
    async authorizeSuspension({ clientId, userId }, does) {
      calls.push(`authorize to ${does} ${clientId ?? '-'} ${userId ?? '-'}`);
      return authorizesSuspension;
    },
    async authorizeDelete({ clientId, userId }, kind) {
      calls.push(`authorize ${clientId ?? '-'} ${userId ?? '-'} ${kind}`);
      return authorize;
    },
    signal: new AbortController().signal,
    now: () => nowMs,
    async pause(ms) {
      calls.push(`pause ${ms}`);
      nowMs += ms;
    },
  };

  return {
    calls,
    users,
    /** What creates and updates have sent besides the id. */
    sent,
    context,
    /** The next such call fails; `isApplied`: after it has taken effect; `on`: already in this request on the way. */
    fails(
      operation: DamoovOperation,
      kind: DamoovErrorKind,
      { status = 400, isApplied = false, on = operation } = {},
    ) {
      (faults[operation] ??= []).push({ error: fail(on, kind, status), isApplied });
    },
    /** The next such call does what it should, also where a later one fails. */
    succeeds(operation: DamoovOperation) {
      (faults[operation] ??= []).push(undefined);
    },
    /** Creates are answered so. */
    answers(userId: string | undefined, more: object = {}) {
      [answeredId, tokens] = [userId, more];
    },
    /** A possible answer of Damoov to a deletion without a user. */
    answersDeletionsWithNull() {
      hadResultNull = true;
    },
    create: async (data: CreateUserJob['data']) =>
      endOf(await takeSteps({ name: 'create-user', data }, context)),
    update: async (data: UpdateUserJob['data']) =>
      endOf(await takeSteps({ name: 'update-user', data }, context)),
    move: async (data: MoveUserJob['data']) => endOf(await takeSteps({ name: 'move-user', data }, context)),
    delete: async (data: DeleteUserJob['data']) =>
      endOf(await takeSteps({ name: 'delete-user', data }, context)),
  };
}

/** What a run ends with that gave up. */
export const GAVE_UP: { outcome: { status: string }; recordUpdate?: undefined } = {
  outcome: { status: 'lock lost' },
};

function endOf(effect: Effect | Failure | typeof LOCK_LOST) {
  if (effect === LOCK_LOST) return GAVE_UP;
  if ('error' in effect) throw effect.error;
  return effect;
}

function fail(operation: DamoovOperation, kind: DamoovErrorKind, status: number): DamoovError {
  return new DamoovError({ operation, kind, status, wasSent: true });
}
