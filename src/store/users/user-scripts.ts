/**
 * The scripts of users' records, with what they are made of. Knows not what they do.
 */
import type { Queue } from 'bullmq';
import { gathered, luaForSeveral } from '../../redis/batched-calls.ts';
import { type Argument, luaBeside, scriptsOf } from '../../redis/scripts.ts';

const readLua = luaBeside(import.meta.url);
const CLOCK = '../clock';
const CIRCUITS = ['../circuits/circuit', '../circuits/way'];
const DELETIONS = ['../deletions/name-state', '../deletions/settled'];

/** The steps of every run, each with what it needs and no more: Redis makes all its functions anew for each call. */
const STEPS = {
  begin: [CLOCK, 'records', 'lock', 'place', 'failed', 'settlement', 'open-ends', ...CIRCUITS],
  settle: [
    CLOCK,
    'records',
    'lock',
    'place',
    'failed',
    'settlement',
    'rename',
    '../receipts/chain',
    ...DELETIONS,
  ],
  release: [CLOCK, 'lock'],
};

const withAll = (names: readonly string[], name: string) => readLua(...names, name);

export function userScripts(jobs: Queue) {
  const steps = Object.entries(STEPS).map(
    ([name, names]) => `steps['${name}'] = function(KEYS, ARGV)\n${withAll(names, name)}\nend`,
  );
  const script = scriptsOf(jobs, {
    run: luaForSeveral(['local steps = {}', ...steps], 'return steps[table.remove(ARGV)](KEYS, ARGV)'),
    withdraw: withAll([CLOCK, 'records', 'lock', 'place'], 'withdraw'),
    extend: withAll([CLOCK, 'records'], 'extend'),
    'look-again': withAll([CLOCK, 'records', 'lock'], 'look-again'),
    'pass-over': withAll([CLOCK, 'records', 'lock'], 'pass-over'),
    'lock-name': withAll([CLOCK, 'records', 'lock'], 'lock-name'),
  });
  const run = gathered(script('run'));
  const stepOf =
    (name: keyof typeof STEPS, mayWait = false) =>
    (keys: readonly string[], args: readonly Argument[]) =>
      run(keys, [...args, name], { mayWait });
  return {
    begin: stepOf('begin'),
    settle: stepOf('settle'),
    // Nobody but a job that is blocked waits for it.
    release: stepOf('release', true),
    withdraw: script('withdraw'),
    extend: script('extend'),
    lookAgain: script('look-again'),
    passOver: script('pass-over'),
    lockName: script('lock-name'),
  };
}
