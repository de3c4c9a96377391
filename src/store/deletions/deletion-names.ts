/**
 * Under which names the deletions of users lie: hashes keyed with a secret that Redis itself keeps, so that every producer
 * knows them, and nobody who reads a job id can try out whose it is. Knows nothing of what becomes of a deletion.
 */
import { createHmac, randomBytes } from 'node:crypto';
import type { Queue } from 'bullmq';
import { z } from 'zod';
import { jsonScriptsOf, luaBeside } from '../../redis/scripts.ts';

const readLua = luaBeside(import.meta.url);

/** Who is to be deleted: one id at least, of an instance by its configured name. */
export interface DeletionAddress {
  clientId?: string | undefined;
  userId?: string | undefined;
  instance: string;
  /** What else the user was found to be called. */
  also?: Pick<DeletionAddress, 'clientId' | 'userId'> | undefined;
}

/** The arguments of a script about a user: the keys of its names, their base, and their hashes. */
export interface Names {
  saltKey: string;
  salt: string;
  base: string;
  keys: string[];
  hashes: string[];
}

export interface DeletionNames {
  /** Calls a script with the names of the user, by its clientId first; again where Redis has another secret by now. */
  call(address: DeletionAddress, script: (names: Names) => Promise<unknown>): Promise<unknown>;
}

/** In front of the hash of each name. */
export function namesBaseOf(prefix: string): string {
  return `${prefix}:deletion:`;
}

/** The secret of the names. */
export function saltKeyOf(prefix: string): string {
  return `${prefix}:deletion-salt`;
}

/** What is pending: the ids of the jobs, by the epoch milliseconds when they are due. */
export function pendingKeyOf(prefix: string): string {
  return `${prefix}:deletions-pending`;
}

/** Whether the job may be one that we have scheduled: its id follows from a name. */
export function isOurs(jobId: string): boolean {
  return /^del-[\w-]{16}(-\d+)?$/.test(jobId);
}

/** What an operator has decided over a deletion that the limit holds, by the id of its job. */
export function decisionKeyOf(prefix: string, jobId: string): string {
  return `${prefix}:deletion-decision:${jobId}`;
}

/** What is known of how a user's last deletion stood, in seconds: longer than a deletion is usually deferred. */
export const KEEP_NAME_S = 40 * 24 * 3600;

/** The scripts' answer if they were called with outdated names. */
const STALE = 'stale';
/** 96 bits: enough to tell any number of users apart, and short in every job id. */
const HASH_BYTES = 12;

/** The names under the prefix of the jobs' queue. */
export function createDeletionNames({ prefix, jobs }: { prefix: string; jobs: Queue }): DeletionNames {
  const saltKey = saltKeyOf(prefix);
  const script = jsonScriptsOf(jobs, { 'deletion-salt': readLua('deletion-salt') });
  let salt: Promise<string> | undefined;

  return {
    async call(address, script) {
      for (;;) {
        salt ??= readSalt();
        const reply = await salt.then((salt) => script(namesOf(address, salt))).catch(forget);
        if (reply !== STALE) return reply;
        salt = undefined;
      }
    },
  };

  function forget(error: unknown): never {
    salt = undefined;
    throw error;
  }

  async function readSalt(): Promise<string> {
    return z
      .string()
      .parse(await script('deletion-salt')([saltKey], { salt: randomBytes(32).toString('base64url') }));
  }

  function namesOf({ clientId, userId, instance, also }: DeletionAddress, salt: string): Names {
    const ids = [
      ['client', clientId],
      ['user', userId?.toLowerCase()],
      ['client', also?.clientId],
      ['user', also?.userId?.toLowerCase()],
    ].filter(([, id]) => id !== undefined);
    const all = ids.map(([kind, id]) =>
      createHmac('sha256', salt)
        .update(JSON.stringify([instance, kind, id]))
        .digest()
        .subarray(0, HASH_BYTES)
        .toString('base64url'),
    );
    const hashes = [...new Set(all)];
    const base = namesBaseOf(prefix);
    return { saltKey, salt, base, hashes, keys: hashes.map((hash) => `${base}${hash}`) };
  }
}
