/**
 * The scripts on user records, as one script with shared parts, so that steps of one turn of the event loop are sent together.
 */
import type { Queue } from 'bullmq';
import { batched, luaForSeveral } from '../../redis/batched-calls.ts';
import { luaJson } from '../../redis/lua-json.ts';
import { luaBeside, scriptsOf } from '../../redis/scripts.ts';
import { KEEP_NAME_S, namesBaseOf, pendingKeyOf, saltKeyOf } from '../deletions/deletion-names.ts';
import { KEEP_OUTCOMES_S, outcomesBaseOf } from './outcome-counts.ts';

const readLua = luaBeside(import.meta.url);

/** The shared parts, each after those it needs. */
const SHARED = [
  '../clock',
  'versions',
  'records',
  'lock',
  'find-record',
  'open-ends',
  'stored-outcome',
  'rename',
  '../receipts/chain',
  '../deletions/settled',
];
const STEPS = [
  'begin',
  'settle',
  'release',
  'withdraw',
  'extend',
  'recheck-blocked',
  'lock-client-id',
] as const;

/** Calls a step: with one JSON argument, and texts that are stored unchanged. */
export type UserStep = (
  keys: readonly string[],
  argument: object,
  texts?: readonly string[],
) => Promise<unknown>;

/** A record is removed 30 days after its last use, later than any failed job. */
const KEEP_S = 30 * 24 * 3600;
/** A suspended user's record outlives every deferred deletion. */
const KEEP_SUSPENDED_S = 20 * 365 * 24 * 3600;

export interface UserScriptsOptions {
  jobs: Queue;
  prefix: string;
  /** Prefix of each record's key. */
  base: string;
  /** How long a user stays locked without a renewal, in milliseconds. */
  leaseMs: number;
}

export function userScripts({
  jobs,
  prefix,
  base,
  leaseMs,
}: UserScriptsOptions): Record<(typeof STEPS)[number], UserStep> {
  const settings = {
    base,
    leaseMs,
    keepSeconds: KEEP_S,
    keepSuspendedSeconds: KEEP_SUSPENDED_S,
    outcomes: outcomesBaseOf(prefix),
    keepOutcomesSeconds: KEEP_OUTCOMES_S,
    deletions: {
      saltKey: saltKeyOf(prefix),
      index: pendingKeyOf(prefix),
      base: namesBaseOf(prefix),
      keepS: KEEP_NAME_S,
    },
  };
  const steps = STEPS.map((name) => `steps['${name}'] = function(KEYS, ARGV)\n${readLua(name)}\nend`);
  const lua = luaForSeveral(
    [readLua(...SHARED), 'local steps = {}', ...steps],
    'known, promotions = {}, {}\nreturn steps[table.remove(ARGV, 1)](KEYS, ARGV)',
  );
  const run = batched(scriptsOf(jobs, { users: lua })('users'), luaJson(settings));
  const stepOf =
    (name: (typeof STEPS)[number]): UserStep =>
    (keys, argument, texts = []) =>
      // Only blocked jobs wait for a release.
      run(keys, [name, luaJson(argument), ...texts], { mayWait: name === 'release' });
  return {
    begin: stepOf('begin'),
    settle: stepOf('settle'),
    release: stepOf('release'),
    withdraw: stepOf('withdraw'),
    extend: stepOf('extend'),
    'recheck-blocked': stepOf('recheck-blocked'),
    'lock-client-id': stepOf('lock-client-id'),
  };
}
