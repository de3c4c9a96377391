/**
 * Reads our Lua scripts and makes them callable. Knows nothing of what they do.
 */
import { readFileSync } from 'node:fs';
import type { Queue } from 'bullmq';

export type Argument = string | number | Buffer;

export type Script = (keys: readonly string[], args: readonly Argument[]) => Promise<unknown>;

/**
 * Makes scripts callable, once the queue has its connection; a Redis that has forgotten them is told them again by the client.
 *
 * Behind its own keys each call declares one that nobody ever makes: a cluster that moves a slot turns calls away whose keys are not
 * all in one place, and the client asks again. Without it a script could begin and find half of what it changes gone. The scripts
 * themselves never see it.
 */
export function scriptsOf<Name extends string>(
  queue: Queue,
  lua: Readonly<Record<Name, string>>,
): (name: Name) => Script {
  const defined = new Set<string>();
  // No job can have such an id.
  const nowhere = queue.toKey('no:where');
  return (name) => async (keys, args) => {
    const client = await queue.getBackend().client;
    const command = `damoov:${name}`;
    if (!defined.has(command)) client.defineCommand(command, asDefined(lua[name]));
    defined.add(command);
    return client.runCommand(command, [keys.length + 1, ...keys, nowhere, ...args]);
  };
}

/** Where the definition leaves out how many keys there are, the client takes each call's first argument for it. */
function asDefined(lua: string): { lua: string; numberOfKeys: number } {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- BullMQ's type asks for what ioredis can do without
  return { lua: `table.remove(KEYS) ${lua}` } as { lua: string; numberOfKeys: number };
}

/** Reads the scripts that lie beside a module, by their names without `.lua`; told is the module's own `import.meta.url`. */
export function luaBeside(moduleUrl: string): (name: string) => string {
  return (name) => readFileSync(new URL(`${name}.lua`, moduleUrl), 'utf8');
}
