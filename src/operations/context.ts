/**
 * The input and the result of an operation: the client, the instance, the user record. Ports are declared
 * here because the operations need them; who provides them is not their business.
 */
import type { Outcome } from '../contract/outcome.ts';
import { PROFILE_FIELDS, SETTINGS, type Setting } from '../contract/field-names.ts';
import type { Version } from '../contract/version.ts';
import type { DamoovClient } from '../damoov/client.ts';

/** Who chooses the UserId: we derive it from the sign-up, or Damoov assigns one. */
export type UserIdMode = 'derived' | 'assigned';

/** A configured Damoov instance. */
export interface Instance {
  /** Damoov's InstanceId. */
  id: string;
  /** Damoov's InstanceKey. */
  key: string;
  /** The key of everything derived from a user of this instance. */
  secret: string;
}

/** In front of the name of a setting. */
export const SETTING = 'settings.';

/** A field of a user whose newest write is remembered. */
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
  /** `mismatched`: Damoov made the user under another id than the one we asked for. */
  state: 'unknown' | 'live' | 'deleted' | 'mismatched';
  /** An earlier run may have sent a create, and it is unknown what became of it. */
  isInDoubt: boolean;
  /** Since when it is in doubt, in epoch milliseconds. */
  doubtSince?: number | undefined;
  /** What that create, or those, have asked for: UserIds, or `derived`. */
  doubtAbout?: readonly string[] | undefined;
  /** An earlier run may have sent a deletion that is not confirmed: since when, in epoch milliseconds; 0 after its job failed. */
  deletingSince?: number | undefined;
  /** When we last knew for certain that the user exists, in epoch milliseconds. */
  madeAt?: number | undefined;
  /** The newest create that has begun and goes on later. */
  pending?: Version | undefined;
  /** The newest create that is settled. */
  created?: Version | undefined;
  /** The newest deletion that is settled, also if there was nobody to delete. */
  deleted?: Version | undefined;
  /** The user who lost the clientId of this record, at the version of `deleted`. */
  gaveUpBy?: string | undefined;
  /** Another user may be getting the clientId of this record: since when, in epoch milliseconds. */
  givenSince?: number | undefined;
  fields: Partial<Record<Field, Version>>;
}

/** What a run adds to the record of its user. */
export interface RecordUpdate {
  record: UserRecord;
  /** The clientId that Damoov has said to be this user's (before a rename). */
  clientId?: string | undefined;
  /** The user's clientId was changed, or cleared where it is null. */
  renamedTo?: string | null;
  /** A rename of the user is in doubt. */
  mayHaveRenamed?: boolean;
}

/** How an operation ended; `recordUpdate` is to be remembered, also where the job goes on later. */
export interface Effect {
  outcome: Outcome;
  recordUpdate?: RecordUpdate;
}

/** The user of a look-up is held by another job: this run ends here, and nothing may be sent any more. */
export const LOCK_LOST = 'lock lost';

/** A user that a run has locked besides the one of its begin. */
export interface LockedUser {
  record: UserRecord;
  /** Of a create: the user is remembered as the one of another clientId. That clientId and the job's own are both locked. */
  isOfAnotherName: boolean;
}

/** What one run of an operation is given to act with. */
export interface OperationContext {
  client: Pick<DamoovClient, 'createUser' | 'updateUser' | 'deleteUser' | 'findUsers' | 'hasAdmin'>;
  instance: Instance;
  /** The configured instances' names by their ids, in lower case. */
  instanceNames: ReadonlyMap<string, string>;
  userIdMode: UserIdMode;
  /** How long a look-up may lag behind a create: until then an empty result proves nothing. In milliseconds. */
  lagMs: number;
  job: {
    id: string;
    /** When the job was added, in epoch milliseconds. */
    timestamp: number;
    version: Version;
  };
  /** The record of the user, whom this run has locked. */
  record: UserRecord;
  /** Unlocks the current user, locks the one with this id and returns its record. */
  lock: (userId: string) => Promise<LockedUser | typeof LOCK_LOST>;
  /**
   * Locks the clientId that a user is to get, besides the user, until the run ends: returns the record of its bearer.
   * `busy`: another job has it.
   */
  lockName: (clientId: string) => Promise<UserRecord | 'blocked' | typeof LOCK_LOST>;
  /**
   * Asked right before each DELETE, and before it is said that there was nobody to delete, with all ids that are known of
   * the user. Only on `go` may it be sent; on `cancelled` nothing may; `returned`: the user has
   * signed up again; `held`: too many were sent in this hour.
   */
  authorizeDelete: (
    ids: { clientId?: string | undefined; userId?: string | undefined },
    kind: 'sends' | 'sends nothing',
  ) => Promise<'go' | 'cancelled' | 'returned' | 'held' | typeof LOCK_LOST>;
  /** Aborted when the job is no longer ours: nothing may be sent after that. */
  signal: AbortSignal;
  /** Epoch milliseconds. */
  now: () => number;
  /** Resolves after so many milliseconds, or at once when the signal aborts. */
  pause: (ms: number, signal: AbortSignal) => Promise<void>;
}
