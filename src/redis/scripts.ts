/**
 * Reads our Lua scripts and makes them callable. Knows nothing of what they do.
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

/** Reads the scripts that lie beside a module, by their names without `.lua`; told is the module's own `import.meta.url`. */
export function luaBeside(moduleUrl: string): (name: string) => string {
  return (name) => readFileSync(new URL(`${name}.lua`, moduleUrl), 'utf8');
}
