/**
 * The closed set of outcomes: a run ends its job, or the job runs again later.
 */

import type { Receipt } from './receipt.ts';

/** Why a job ended in the failed set. */
export const FAILURE_CODES = [
  'invalid-job',
  'unknown-instance',
  'user-not-found',
  'ambiguous-client-id',
  'user-mismatch',
  'other-instance',
  'client-id-taken',
  'rejected',
  'forbidden',
  'unexpected-user-id',
  'outcome-unknown',
  'retries-exhausted',
  'deletion-refused',
] as const;
export type FailureCode = (typeof FAILURE_CODES)[number];

/** The code and message in the reason of a failed job; undefined if no worker of ours wrote it: it may quote anything. */
export function failureIn(reason: string): { code: FailureCode; message: string } | undefined {
  const code = FAILURE_CODES.find((code) => reason.startsWith(`${code}: `));
  return code === undefined ? undefined : { code, message: reason.slice(code.length + 2) };
}

/**
 * The circuits of a job: one for the credential it needs, one for Damoov itself and, for a deletion, the deletion limit. A circuit is open
 * while the credential is refused or Damoov is away; the deletion limit, once more deletions are due than are allowed in an hour.
 */
export type Circuit = 'instance-key' | 'admin' | 'damoov' | 'deletion-limit';

/** The user exists. */
export interface Created {
  status: 'done';
  type: 'user.created';
  userId: string;
  /** True if the user existed before this run. */
  existed: boolean;
  accessToken?: string;
  refreshToken?: string;
}

/** The changes are applied. */
export interface Updated {
  status: 'done';
  type: 'user.updated';
  userId: string;
  /** Names of the changed fields; never their values. */
  changed: string[];
}

/** The user is gone. */
export interface Deleted {
  status: 'done';
  type: 'user.deleted';
  /** Undefined if a clientId led to no user. */
  userId?: string;
  /** False if there was no user to delete. */
  existed: boolean;
  /** True if a look-up after the deletion no longer found the user. */
  verified: boolean;
  /** Why it is not verified. */
  unverified?: string | undefined;
  /** When Damoov answered the deletion, in epoch milliseconds; undefined if none was sent. */
  executedAt?: number;
  /** When a look-up no longer found the user, in epoch milliseconds. */
  confirmedAt?: number;
  receipt?: Receipt;
}

/** The user is in the other instance. */
export interface Moved {
  status: 'done';
  type: 'user.moved';
  userId: string;
  /** Where it was before; undefined if it may have been there already. Both by their configured names. */
  fromInstance?: string | undefined;
  toInstance: string;
}

export type Done = Created | Updated | Deleted | Moved;

/** Newer knowledge made the job pointless. */
export interface Superseded {
  status: 'superseded';
  userId?: string;
  /** The newer knowledge. */
  by: string;
}

/** A transient fault: it costs an attempt, and another follows. */
export interface Retry {
  status: 'retry';
  reason: string;
  /** Minimum delay in milliseconds, if the other side requested one. */
  afterMs?: number;
}

/** Not yet: the job waits this many milliseconds, at no cost of an attempt. */
export interface Wait {
  status: 'wait';
  reason: string;
  delayMs: number;
  /**
   * Set for a deletion that waits until it is due, in epoch milliseconds. `suspended`: its user is suspended until then; `unchanged`: there
   * is no such user, or it was suspended before.
   */
  until?: { dueAt: number; user: 'suspended' | 'unchanged' };
}

/** A circuit is open: the job is held until it closes, at no cost of an attempt. */
export interface Held {
  status: 'held';
  circuit: Circuit;
  reason: string;
  /** Earliest next attempt, in milliseconds from now, if Damoov requested it. */
  afterMs?: number;
  /** The request was not sent: an earlier reason says more. */
  isUntried?: true;
}

/** It cannot succeed: the job ends in the failed set. */
export interface Failed {
  status: 'failed';
  code: FailureCode;
  message: string;
  userId?: string;
}

export type Outcome = Done | Superseded | Retry | Wait | Held | Failed;

/** An outcome that ends the job, and is published. */
export type Settled = Done | Superseded | Failed;

export function isSettled(outcome: Outcome): outcome is Settled {
  return outcome.status === 'done' || outcome.status === 'superseded' || outcome.status === 'failed';
}

export function failed(code: FailureCode, message: string, userId?: string): Failed {
  return { status: 'failed', code, message, ...(userId !== undefined && { userId }) };
}
