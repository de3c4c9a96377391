/**
 * What the pipeline needs remembered of users and jobs between runs, and the fence around it. Only the port: who keeps it,
 * and where, is not the pipeline's business.
 */
import { z } from 'zod';
import type { UserEvent } from '../contract/event.ts';
import type { JobName } from '../contract/job.ts';
import type { Settled } from '../contract/outcome.ts';
import type { Version } from '../contract/version.ts';
import type { Instance, Learnt, UserRecord } from '../operations/context.ts';
import type { Completion } from './completion.ts';
import type { GateName, Passage } from './gates.ts';
import type { Remains } from './job-data.ts';

/** One run of a job. */
export interface Run {
  jobId: string;
  /** Of the job's lock: it shows whose run this is, and whether it still is. */
  token: string;
  /** Tells this run from every other: BullMQ takes one job after the other under one token, and starts count anew. */
  nonce: string;
  /** Of the job: another one may come to bear the same id. */
  timestamp: number;
  /** How often the job has stalled so far. */
  stalls: number;
}

/** Whose job it is, by everything that the job or its derivation says. */
export interface Address {
  clientId?: string | undefined;
  userId?: string | undefined;
  /** `derived`: the job did not name the userId, it follows from the clientId. */
  userIdIs?: 'named' | 'derived';
}

/** Whom a job says that it concerns, and when it happened. */
export interface Whose {
  instance: Instance;
  address: Address;
  version: Version;
}

/** How a job ended for good, and with which event. */
export interface Settlement {
  outcome: Settled;
  attempts: number;
  event: UserEvent;
  /** What stays of the job in the queue. */
  remains: Remains;
  /** Who has signed up with it, at the job's version: a deletion that is pending and was asked for before is not wanted any more. */
  returned?: { instance: string; clientId?: string | undefined; userId: string } | undefined;
  /** Has the job complete in the same step, where it can. */
  completion?: Completion | undefined;
}

/** What is kept of a settlement: no token of the user's, nothing that the job itself tells. */
export const KeptSettlement = z.object({
  outcome: z.custom<Settled>((value) => typeof value === 'object' && value !== null && 'status' in value),
  attempts: z.number(),
  /** Epoch milliseconds. */
  at: z.number(),
});
export type KeptSettlement = z.infer<typeof KeptSettlement>;

/** The user is this run's alone, until it settles or lets go. */
export interface HeldUser {
  readonly record: UserRecord;
  /** A create has claimed a user that is remembered under another clientId: its own clientId stays held, too. */
  readonly isOfAnotherName: boolean;
  /** Takes the user of this id; from here on that one is held, in place of this. */
  claim(userId: string): Promise<Begun>;
  /**
   * Locks a clientId that the user is to get, besides the user, until this run settles or lets go. Answers the record under it;
   * until the rename is settled, a sign-up under it waits.
   */
  lockName(clientId: string): Promise<{ is: 'locked'; record: UserRecord } | { is: 'busy' } | { is: 'lost' }>;
  /**
   * Writes what was learnt, publishes the event, lets the user go: in one step, and only while the user is ours.
   * `overtaken`: nothing is changed, since the receipt's chain has gone on meanwhile.
   * @throws where an event cannot be added: what was learnt is kept, and the job has to come again.
   */
  settle(settlement: Settlement, learnt: Learnt): Promise<'ok' | 'lost' | 'overtaken'>;
  /** Lets the user go: the job goes on later, or elsewhere. */
  letGo(learnt: Learnt): Promise<'ok' | 'lost'>;
}

export type Begun =
  | { is: 'taken'; user: HeldUser; passage: Passage }
  /** A gate is shut: this job is put before it. */
  | { is: 'held'; gate: GateName }
  /** An earlier run has settled the job. */
  | { is: 'settled'; settlement: KeptSettlement }
  /** Another job has the user: this one is parked until it is woken. */
  | { is: 'busy' }
  /** A deletion that was cancelled before it was sent. */
  | { is: 'cancelled' }
  /** A deletion that the brake has held and an operator has refused. */
  | { is: 'refused' }
  /** The job is no longer this run's. */
  | { is: 'lost' };

export interface UserLedger {
  begin(
    run: Run,
    job: { name: JobName; version: Version; timestamp: number; asksFor?: string | undefined },
    instance: Instance,
    address: Address,
    gates: { must: readonly GateName[]; may: readonly GateName[] },
  ): Promise<Begun>;
  /**
   * Settles a job that takes no user, because it cannot be carried out.
   * @param whose the user it concerns all the same, where it tells.
   * @returns how an earlier run has settled the job, where one has, or that it is no longer this run's: then nothing is changed.
   */
  settleUnread(run: Run, settlement: Settlement, whose?: Whose): Promise<KeptSettlement | 'lost' | undefined>;
}
