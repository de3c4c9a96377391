/**
 * What Redis was asked, by its own count of calls: those that scripts make included, of which it tells no difference.
 */
import type { Redis } from 'ioredis';

/** Calls by command, in lower case. */
export type Commands = ReadonlyMap<string, number>;

/** Since Redis has started. */
export async function commandsOf(redis: Redis): Promise<Commands> {
  const info = await redis.info('commandstats');
  return new Map(
    [...info.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)].map(([, name = '', calls]) => [name, Number(calls)]),
  );
}

/** The difference of two counts, per job; without the benchmark's own calls. */
export function commandsBetween(
  before: Commands,
  after: Commands,
  { own, jobs }: { own: Commands; jobs: number },
): Commands {
  return new Map(
    [...after].flatMap(([name, calls]) => {
      const came = calls - (before.get(name) ?? 0) - (own.get(name) ?? 0);
      return came > 0 ? [[name, came / jobs] as const] : [];
    }),
  );
}

/** All calls, but for those that call a script, whose own calls count. */
export function callsIn(commands: Commands): number {
  return sum([...commands].filter(([name]) => !SCRIPTS.has(name)).map(([, calls]) => calls));
}

export function scriptsIn(commands: Commands): number {
  return sum([...commands].filter(([name]) => SCRIPTS.has(name)).map(([, calls]) => calls));
}

const SCRIPTS = new Set(['eval', 'evalsha']);

function sum(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}
