/**
 * The input and the result of an operation: the client, the instance, the user record.
 */
import type { Outcome } from '../contract/outcome.ts';
import { PROFILE_FIELDS, SETTINGS, type Setting } from '../contract/fields.ts';
import type { Version } from '../contract/version.ts';
import type { DamoovClient } from '../damoov/client.ts';

/** How a UserId is chosen: we derive it from the sign-up, or Damoov assigns one. */
export type UserIdMode = 'derived' | 'assigned';

/** A configured Damoov instance. */
export interface Instance {
  /** Damoov's InstanceId. */
  id: string;
  /** Damoov's InstanceKey. */
  key: string;
  /** The secret from which everything of this instance's users is derived. */
  secret: string;
}

/** In front of the name of a setting. */
const SETTING = 'settings.';

/** The fields of a user whose latest write is recorded. */
export const FIELDS = [...PROFILE_FIELDS, 'clientId', ...SETTINGS.map(settingField), 'status'] as const;
export type Field = (typeof FIELDS)[number];

/** Each setting has versions of its own. */
export type SettingField = `${typeof SETTING}${Setting}`;

export function settingField(setting: Setting): SettingField {
  return `${SETTING}${setting}`;
}

/** The user record: for each field the time of its last write, never its value. */
export interface UserRecord {
  userId?: string | undefined;
  /** 0 for the first user of a sign-up, one more after each that was deleted. */
  generation: number;
  /** `mismatched`: Damoov made the user under another id than the requested one. */
  state: 'unknown' | 'live' | 'deleted' | 'mismatched';
  /** An earlier run may have sent a create whose result is unknown. */
  isInDoubt: boolean;
  /** Since when it is in doubt, in epoch milliseconds. */
  doubtSince?: number | undefined;
  /** The ids that those creates requested: UserIds, or `derived`. */
  doubtAbout?: readonly string[] | undefined;
  /** An earlier run may have sent a deletion that is not confirmed: since when, in epoch milliseconds; 0 after its job failed. */
  deletingSince?: number | undefined;
  /** When we last knew for certain that the user exists, in epoch milliseconds. */
  lastSeenAt?: number | undefined;
  /** The newest create that has begun and is not settled. */
  pending?: Version | undefined;
  /** The newest create that is settled. */
  created?: Version | undefined;
  /** The newest settled deletion, even if there was no user to delete. */
  deleted?: Version | undefined;
  /** The user that lost the clientId of this record, at the version of `deleted`. */
  formerUserId?: string | undefined;
  /** When it lost the clientId, in epoch milliseconds. */
  givenUpAt?: number | undefined;
  /** Another user may be getting the clientId of this record: since when, in epoch milliseconds. */
  givenSince?: number | undefined;
  /** The newest settled move: older jobs may name the user in its old instance. */
  moved?: Version | undefined;
  /** When it was settled, in epoch milliseconds: until the lag is over, look-ups may show the user where it was before. */
  movedAt?: number | undefined;
  /** An earlier run may have sent a move whose answer is unknown: since when, in epoch milliseconds. */
  movingSince?: number | undefined;
  /** Why the user is suspended, as far as we know: a request for it, or the name of a deferred deletion. */
  suspendedBy?: string | undefined;
  /** When we wrote its status last, in epoch milliseconds. */
  statusAt?: number | undefined;
  fields: Partial<Record<Field, Version>>;
}

/** What a deletion with a suspended user does now. `name`: the key of the deletion; `userId`: the user that it may have suspended. */
export type Suspension =
  | { does: 'suspend'; name: string; userId?: string | undefined; dueAt: number }
  /** If the deletion proves void, it resumes its user. */
  | { does: 'delete'; name: string; userId?: string | undefined }
  /** `by`: why it is void. */
  | { does: 'resume'; name: string; userId?: string | undefined; by: string };

/** What a run adds to the record of its user. */
export interface RecordUpdate {
  record: UserRecord;
  /** The user's instance (before a move); default: the job's. */
  instance?: Instance | undefined;
  /** The user was moved to this instance. */
  movedTo?: Instance | undefined;
  /** The user's clientId at Damoov (before a rename). */
  clientId?: string | undefined;
  /** The user's clientId was changed; null: it was cleared. */
  renamedTo?: string | null;
  /** A rename or a move of the user is in doubt. */
  mayHaveRenamed?: boolean;
}

/** How a run of an operation ended; `recordUpdate` is stored, even if the job runs again later. */
export interface Effect {
  outcome: Outcome;
  recordUpdate?: RecordUpdate;
}

/** Another job has locked the user that a look-up found: this run ends here and sends nothing more. */
export const LOCK_LOST = 'lock lost';

/** A user that a run locked after its first one. */
export interface LockedUser {
  record: UserRecord;
  /** Of a create: the user is recorded under another clientId. That clientId and the job's own are both locked. */
  isOfAnotherName: boolean;
}

/** The environment of one run of an operation. */
export interface OperationContext {
  client: Pick<
    DamoovClient,
    'createUser' | 'updateUser' | 'deleteUser' | 'moveUser' | 'findUsers' | 'hasAdmin'
  >;
  instance: Instance;
  /** The configured instances by name. */
  instances: ReadonlyMap<string, Instance>;
  /** Their names by InstanceId in lower case. */
  instanceNames: ReadonlyMap<string, string>;
  userIdMode: UserIdMode;
  /** How long a look-up may lag behind a create, in milliseconds: until then an empty result proves nothing. */
  lagMs: number;
  job: {
    id: string;
    /** When the job was added, in epoch milliseconds. */
    timestamp: number;
    version: Version;
  };
  /** Set for a deletion that suspends its user. */
  suspension?: Suspension | undefined;
  /** The id derived for the first user of the sign-up, if the caller knows it. */
  derivedId?: string | undefined;
  /** The record of the user that this run has locked. */
  record: UserRecord;
  /** Unlocks the current user, locks the one with this id and returns its record. */
  lock: (userId: string) => Promise<LockedUser | typeof LOCK_LOST>;
  /**
   * Locks the clientId that a user is to get in this instance, besides the user, until the run ends: returns the record of that
   * clientId. `blocked`: another job has locked it.
   */
  lockClientId: (clientId: string, instance: Instance) => Promise<UserRecord | 'blocked' | typeof LOCK_LOST>;
  /**
   * Called right before the user is suspended until its deletion, or resumed because the deletion is void. `changed`: the deletion has to
   * do something else now.
   */
  authorizeSuspension: (
    ids: { clientId?: string | undefined; userId?: string | undefined; instance?: string | undefined },
    does: 'suspend' | 'resume',
    signedUpAt: number | undefined,
  ) => Promise<'go' | 'changed' | typeof LOCK_LOST>;
  /**
   * Called right before each DELETE, and before reporting that there was no user, with all known ids of the user. It may be sent only on
   * `go`; `returned`: the user has signed up again; `held`: the hour's deletion limit is reached.
   */
  authorizeDelete: (
    ids: { clientId?: string | undefined; userId?: string | undefined; instance?: string | undefined },
    kind: 'sends' | 'sends nothing',
  ) => Promise<'go' | 'cancelled' | 'returned' | 'held' | 'early' | typeof LOCK_LOST>;
  /** Aborted when the run loses its job: nothing may be sent after that. */
  signal: AbortSignal;
  /** Epoch milliseconds. */
  now: () => number;
  /** Resolves after this time, or at once when the signal aborts. */
  pause: (ms: number, signal: AbortSignal) => Promise<void>;
}
