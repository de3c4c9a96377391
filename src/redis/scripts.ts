/**
 * Puts Lua scripts together: ours, and in front of them BullMQ's own, each as a function, so that our keys and the queues
 * change in one step. Knows how scripts are composed and called, not what they do.
 */
import { readFileSync } from 'node:fs';
import type { Queue } from 'bullmq';

export type Argument = string | number | Buffer;

export type Script = (keys: readonly string[], args: readonly Argument[]) => Promise<unknown>;

/** Makes scripts callable, once the queue has its connection; a Redis that has forgotten them is told them again by the client. */
export function scriptsOf<Name extends string>(
  queue: Queue,
  lua: Readonly<Record<Name, string>>,
): (name: Name) => Script {
  const defined = new Set<string>();
  return (name) => async (keys, args) => {
    const client = await queue.getBackend().client;
    // The number of keys is part of a command: settling for two events queues is another one than for three.
    const command = `damoov:${name}:${keys.length}`;
    if (!defined.has(command)) client.defineCommand(command, { numberOfKeys: keys.length, lua: lua[name] });
    defined.add(command);
    return client.runCommand(command, [...keys, ...args]);
  };
}

/** One of BullMQ's scripts as a function; its parameters hide our own KEYS and ARGV. */
export function functionOf({ name, content }: { name: string; content: string }): string {
  return `local function ${name}(KEYS, ARGV)\n${content}\nend`;
}

/** Reads the scripts that lie beside a module, by their names without `.lua`; told is the module's own `import.meta.url`. */
export function luaBeside(moduleUrl: string): (name: string) => string {
  return (name) => readFileSync(new URL(`${name}.lua`, moduleUrl), 'utf8');
}

/** The keys that BullMQ's `promote` takes, for jobs of this queue. */
export function promoteKeysOf({ keys }: Queue): string[] {
  const names = ['delayed', 'wait', 'paused', 'meta', 'prioritized', 'active', 'pc', 'events', 'marker'];
  return names.map((name) => keys[name] ?? '');
}

/** The keys and arguments of BullMQ's `moveToDelayed`, for a job that this lock holds. No attempt is spent. */
export function delayingOf(
  queue: Queue,
  { jobId, token }: { jobId: string; token: string },
  delayMs: number,
): { keys: string[]; args: Argument[] } {
  const all = queue
    .getBackend()
    .moveToDelayedArgs(jobId, Date.now(), token, delayMs, { skipAttempt: true })
    // BullMQ leaves out what it does not need, and the client would send that as an empty text.
    .map((argument) => argument ?? '');
  return { keys: all.slice(0, DELAYING_KEYS).map(String), args: all.slice(DELAYING_KEYS) };
}
const DELAYING_KEYS = 11;
