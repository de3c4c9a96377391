/**
 * Puts Lua scripts together: ours, and in front of them BullMQ's own, each as a function, so that what is ours and the
 * queues change in one step. Knows how scripts are composed and called, not what they do.
 */
import { readFileSync } from 'node:fs';
import type { Queue } from 'bullmq';

export type Argument = string | number | Buffer;

/** Runs a script under a name that is the client's for good. */
export type RunScript = (
  name: string,
  lua: string,
  keys: readonly string[],
  args: readonly Argument[],
) => Promise<unknown>;

export type ScriptClient = Awaited<ReturnType<Queue['getBackend']>['client']>;

/** Registers each script when it is first run; a Redis that has forgotten it is told it again by the client. */
export function scriptsOf(client: ScriptClient): RunScript {
  const defined = new Set<string>();
  return (name, lua, keys, args) => {
    // The number of keys is part of a command: settling for two events queues is another one than for three.
    const command = `${name}:${keys.length}`;
    if (!defined.has(command)) client.defineCommand(command, { numberOfKeys: keys.length, lua });
    defined.add(command);
    return client.runCommand(command, [...keys, ...args]) as Promise<unknown>;
  };
}

/** A script of BullMQ's as a Lua function. The parameters hide our own KEYS and ARGV. */
export function functionOf({ name, content }: { name: string; content: string }): string {
  return `local function ${name}(KEYS, ARGV)\n${content}\nend`;
}

/** The text of a script of ours, which lies beside this file. */
export function readLua(name: string): string {
  return readFileSync(new URL(`${name}.lua`, import.meta.url), 'utf8');
}
