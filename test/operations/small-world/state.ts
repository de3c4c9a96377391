/**
 * The small world in which every decision of an operation is checked: two instances, a few users, a few jobs, and what may go wrong.
 * A state is plain data, so that it can be copied, compared and told.
 */
import type { UserJob } from '../../../src/contract/job.ts';
import type { DamoovErrorKind } from '../../../src/damoov/errors.ts';
import type { CreatedUser, DamoovUser } from '../../../src/damoov/wire.ts';
import { type Version, versionOf } from '../../../src/contract/version.ts';
import type { Instance, UserIdMode, UserRecord } from '../../../src/operations/context.ts';
import type { Fact } from '../../../src/operations/step.ts';

export type InstanceName = 'here' | 'there';

export const INSTANCES: Readonly<Record<InstanceName, Instance>> = {
  here: { id: '11111111-1111-4111-8111-111111111111', key: 'key', secret: 'secret' },
  there: { id: '33333333-3333-4333-8333-333333333333', key: 'key of there', secret: 'secret' },
};
export const HERE = INSTANCES.here.id;
export const THERE = INSTANCES.there.id;

export const NOW = Date.parse('2027-01-31T12:00:00Z');
export const LAG_MS = 1000;

/** A user at Damoov. */
export interface RemoteUser {
  readonly userId: string;
  readonly clientId?: string;
  readonly instanceId: string;
  readonly isAlive: boolean;
  /** When it was created, in ticks: look-ups may not show it within the same one. */
  readonly tick: number;
  /** Made by a create of ours, and not renamed by others since. */
  readonly isOurs: boolean;
  /** The instance whose sign-ups mean this user, wherever others have moved it: a settled move of ours changes it. */
  readonly of: InstanceName;
  /** The settled move of ours by which it left an instance: older jobs of that instance still mean this user. */
  readonly left?: { readonly instance: InstanceName; readonly version: Version };
  /** The create of ours that made it. */
  readonly madeBy?: Version;
  /** Others had moved it there before our move did: its clientId may have another user there. */
  readonly cameByOthers?: boolean;
  /** Where it was before a request of ours moved it: look-ups may show it there within the same tick. */
  readonly was?: { readonly instanceId: string; readonly tick: number };
}

/** What the fleet remembers under one name; a name may lead to another. */
export interface Entry {
  at?: string;
  record?: UserRecord;
  owner?: number;
  /** Whom jobs older than a move mean by this name. */
  movedUser?: { readonly user: string; readonly version: Version };
}

/** A fact as plain data: an error is its kind. */
export type PlainFact =
  | Exclude<Fact, { of: 'create' | 'update' | 'delete' | 'move' }>
  | { of: 'create'; userId: string | undefined; answer: CreatedUser | DamoovErrorKind }
  | { of: 'update'; userId: string; error: DamoovErrorKind | undefined }
  | { of: 'move'; user: DamoovUser; error: DamoovErrorKind | undefined }
  | {
      of: 'delete';
      userId: string;
      error: DamoovErrorKind | undefined;
      wasAcknowledged: boolean;
      at: number;
    };

/** A run under way. */
export interface Run {
  /** The name under which its user's record lies. */
  name: string;
  /** The clientId that it has locked besides. */
  also?: { name: string; wasGiven: boolean };
  record: UserRecord;
  facts: PlainFact[];
  isAuthorized: boolean;
  /** Users who have borne what the job names at some moment of the run. */
  meant: string[];
  /** Those of them who have borne it at every moment. */
  meantThroughout: string[];
  /** Those of them who were in the job's instance at every moment. */
  hereThroughout: string[];
  /** Other users who have borne the clientId that the user is to get, in the instance where it is to get it, at every moment. */
  rivals: string[];
  /** Users whom newer jobs of ours had moved away before the run began. */
  movedBefore?: string[];
  /** Users whom this move has meant and who were in its instance at some moment of the run. */
  arrived?: string[];
}

export interface Job {
  job: UserJob;
  id: string;
  /** How it ended. */
  end?: string;
  run?: Run;
  /** The user whom a request of this job has moved, whatever the answer was. */
  hasMoved?: string;
}

export interface State {
  tick: number;
  users: RemoteUser[];
  entries: Record<string, Entry>;
  jobs: Job[];
  /** How much may still go wrong. */
  left: { losses: number; crashes: number; moves: number; renames: number };
  /** The forbidden states that occurred. */
  violation?: string;
}

/** What is the same in all states of a search. */
export interface Rules {
  mode: UserIdMode;
  /** What a create is answered whose id is taken. */
  duplicate: 'same' | 'conflict' | 'rejected';
  /** What a deletion of an unknown user is answered. */
  unknownDelete: 'not-found' | 'forbidden' | 'ok';
  /** What a move of a user is answered who is there already. */
  repeatedMove: 'done' | 'rejected' | 'conflict';
  /** Whether look-ups may not show a user who was created within the same tick, nor that it was moved. */
  lags: boolean;
  /** The second instance is configured, too. */
  knowsThere: boolean;
}

const HOUR_MS = 3_600_000;

/** First nothing is known for certain, then the lag of look-ups is over, then every patience, and again. */
export const LAST_TICK = 3;

export function nowOf({ tick }: State): number {
  return NOW + ([0, LAG_MS + 1, 2 * HOUR_MS, 4 * HOUR_MS][tick] ?? 0);
}

export function instanceOfJob({ job }: Pick<Job, 'job'>): Instance {
  return INSTANCES[nameOfInstance(job.data.instance)];
}

export function nameOfId(id: string | undefined): InstanceName {
  return id === THERE ? 'there' : 'here';
}

export function nameOfInstance(name: string): InstanceName {
  return name === 'there' ? 'there' : 'here';
}

/** The order of the jobs is that of their versions. */
export function versionOfJob({ job, id }: Pick<Job, 'job' | 'id'>, index: number): Version {
  return versionOf({ name: job.name, id, timestamp: NOW - 100 + index });
}
