/**
 * Reads our Lua scripts and makes them callable. Knows nothing of what they do.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Queue } from 'bullmq';
import type { RedisConnection } from './connection.ts';
import { luaJson } from './lua-json.ts';

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
  return (name) => async (keys, args) => {
    const client = await queue.getBackend().client;
    const command = `damoov:${name}`;
    if (!defined.has(command)) client.defineCommand(command, asDefined(lua[name]));
    defined.add(command);
    const nowhere = `${keys[0] ?? queue.opts.prefix}:nowhere`;
    return client.runCommand(command, [keys.length + 1, ...keys, nowhere, ...args]);
  };
}

/** A script that is given one JSON argument, ARGV[1]. */
export type JsonScript = (keys: readonly string[], argument: object) => Promise<unknown>;

/**
 * Makes a script callable that touches keys of our own only. A Redis that was restarted, or another master, is sent the script again.
 *
 * Behind its own keys each call declares one that nobody ever writes: a cluster that moves a slot turns calls away whose keys are not all
 * in one place, and the client asks again. Without it a script could begin and find half of what it changes gone. The script itself never
 * sees it.
 */
export function jsonScript(connection: RedisConnection, lua: string): JsonScript {
  const script = `table.remove(KEYS) ${lua}`;
  const sha = createHash('sha1').update(script).digest('hex');
  return async (keys, argument) => {
    const call = [keys.length + 1, ...keys, `${keys[0]}:nowhere`, luaJson(argument)] as const;
    return connection.evalsha(sha, ...call).catch((error: Error) => {
      if (error.message.startsWith('NOSCRIPT')) return connection.eval(script, ...call);
      throw error;
    });
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
