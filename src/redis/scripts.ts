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
    const command = `damoov:${name}`;
    if (!defined.has(command)) client.defineCommand(command, asDefined(lua[name]));
    defined.add(command);
    return client.runCommand(command, [keys.length, ...keys, ...args]);
  };
}

/** How many keys there are is told with each call: the client takes it for the first argument where the definition leaves it out. */
function asDefined(lua: string): { lua: string; numberOfKeys: number } {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- BullMQ's type asks for what ioredis can do without
  return { lua } as { lua: string; numberOfKeys: number };
}

/** Reads the scripts that lie beside a module, by their names without `.lua`; told is the module's own `import.meta.url`. */
export function luaBeside(moduleUrl: string): (name: string) => string {
  return (name) => readFileSync(new URL(`${name}.lua`, moduleUrl), 'utf8');
}
