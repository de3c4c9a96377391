/**
 * The steps of an operation, and the knowledge on which it decides. An operation is a pure function from a job and the knowledge to the
 * next step; one loop performs the steps.
 */
import type { DamoovError } from '../damoov/errors.ts';
import { type CreatedUser, type DamoovUser, sameUserId } from '../damoov/wire.ts';
import type { Version } from '../contract/version.ts';
import type { Effect, Instance, RecordUpdate, Suspension, UserIdMode, UserRecord } from './context.ts';
import type { Changes } from './newer-knowledge.ts';

/** The known ids of a user. */
export interface Ids {
  clientId?: string | undefined;
  userId?: string | undefined;
}

/** The ids that a user was found to have. */
export interface FoundIds extends Ids {
  /** The configured name of its instance, if a look-up has shown it. */
  instance?: string | undefined;
}

export type LookUp = { by: 'userId' | 'clientId'; value: string };

/** What the loop does next. */
export type Step =
  /** Looks a user up in every instance, after a pause if look-ups may lag. */
  | ({ do: 'find'; afterMs: number } & LookUp)
  /** Sends the create of the sign-up; without a userId Damoov chooses one. */
  | { do: 'create'; userId: string | undefined }
  | { do: 'update'; userId: string; changes: Changes }
  | { do: 'delete'; userId: string }
  | { do: 'move'; user: DamoovUser; to: Instance }
  /**
   * The point of no return: checks right before each DELETE, and before reporting that there was no user, whether the deletion is still
   * wanted.
   */
  | { do: 'authorize'; ids: FoundIds; kind: 'sends' | 'sends nothing' }
  /** Checks right before the user is suspended that its deferred deletion is still wanted; before it is resumed, that it is still void. */
  | {
      do: 'authorize-suspension';
      ids: FoundIds;
      does: 'suspend' | 'resume';
      /** Of the newest sign-up on record, in epoch milliseconds. */
      signedUpAt: number | undefined;
    }
  /** Locks the user that a look-up found, in place of the locked one. */
  | { do: 'lock'; userId: string }
  /** Locks the clientId that a user is to get in this instance, besides the user. */
  | { do: 'lock-client-id'; clientId: string; instance: Instance; userId: string }
  | { do: 'end'; effect: Effect }
  /** Ends the run with the error of a request; `recordUpdate`: what the run has learned all the same. */
  | { do: 'fail'; error: DamoovError; recordUpdate?: RecordUpdate };

/** A fact: the result of a step of this run. */
export type Fact =
  | ({ of: 'find'; users: readonly DamoovUser[]; at: number } & LookUp)
  | { of: 'create'; userId: string | undefined; answer: CreatedUser | DamoovError }
  | { of: 'update'; userId: string; error: DamoovError | undefined }
  | { of: 'move'; user: DamoovUser; error: DamoovError | undefined }
  /** `wasAcknowledged`: Damoov clearly confirmed the deletion; its answer cannot mean that there was no user. */
  | { of: 'delete'; userId: string; error: DamoovError | undefined; wasAcknowledged: boolean; at: number }
  | { of: 'authorize'; answer: 'go' | 'cancelled' | 'returned' | 'held' | 'early' }
  | { of: 'authorize-suspension'; answer: 'go' | 'changed' }
  | { of: 'lock'; userId: string; isOfAnotherName: boolean }
  | { of: 'lock-client-id'; clientId: string; record: UserRecord };

/** Everything that a decision depends on. */
export interface Knowledge {
  job: { id: string; timestamp: number; version: Version };
  suspension?: Suspension | undefined;
  /** The id derived for generation 0 of the sign-up, if it is known: deriving is expensive. */
  derivedId?: string | undefined;
  instance: Instance;
  /** The configured instances by name. */
  instances: ReadonlyMap<string, Instance>;
  /** Their names by InstanceId in lower case. */
  instanceNames: ReadonlyMap<string, string>;
  userIdMode: UserIdMode;
  /** How long a look-up may lag behind a create, in milliseconds. */
  lagMs: number;
  /** Whether look-ups are possible. */
  hasAdmin: boolean;
  /** The record of the locked user. */
  record: UserRecord;
  /** In order of time. */
  facts: readonly Fact[];
  /** Epoch milliseconds. */
  now: number;
}

export function end(effect: Effect): Step {
  return { do: 'end', effect };
}

/** All facts of this kind, in order. */
export function factsOf<Kind extends Fact['of']>(
  { facts }: Pick<Knowledge, 'facts'>,
  kind: Kind,
): Extract<Fact, { of: Kind }>[] {
  return facts.filter((fact): fact is Extract<Fact, { of: Kind }> => fact.of === kind);
}

/** The facts after this one; all facts if it is undefined. */
export function after(known: Knowledge, fact: Fact | undefined): Knowledge {
  return fact === undefined ? known : { ...known, facts: known.facts.slice(known.facts.indexOf(fact) + 1) };
}

/** The user in the latest look-up by this id: undefined without a look-up, null if it found no user. */
export function seenUnder(userId: string, known: Pick<Knowledge, 'facts'>): DamoovUser | null | undefined {
  return looksUnder(userId, known).at(-1);
}

/** The results of the look-ups by this id, in order. */
export function looksUnder(userId: string, known: Pick<Knowledge, 'facts'>): (DamoovUser | null)[] {
  return factsOf(known, 'find')
    .filter(({ by, value }) => by === 'userId' && sameUserId(value, userId))
    .map(({ users }) => users[0] ?? null);
}

/** When the latest look-up by this UserId, or clientId, was answered, in epoch milliseconds. */
export function lookedAt(id: string, known: Pick<Knowledge, 'facts' | 'now'>): number {
  return factsOf(known, 'find').findLast(({ value }) => sameUserId(value, id))?.at ?? known.now;
}

/** The users of the latest look-up by this clientId, in every instance; undefined if there was none. */
export function bearersOf(
  clientId: string,
  known: Pick<Knowledge, 'facts'>,
): readonly DamoovUser[] | undefined {
  return factsOf(known, 'find').findLast(({ by, value }) => by === 'clientId' && value === clientId)?.users;
}

export function look(by: LookUp['by'], value: string, afterMs = 0): Step {
  return { do: 'find', by, value, afterMs };
}
