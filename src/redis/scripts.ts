/**
 * Reads our Lua scripts and makes them callable.
 */
import { readFileSync } from 'node:fs';
import type { Queue } from 'bullmq';
import type { RedisConnection } from './connection.ts';
import { luaJson } from './lua-json.ts';

export type Argument = string | number | Buffer;

export type Script = (keys: readonly string[], args: readonly Argument[]) => Promise<unknown>;

/** The connection of the scripts: that of a queue, once it has one, or our own. */
export type ScriptSource = Queue | Pick<RedisConnection, 'defineCommand'>;

/**
 * Makes scripts callable. The client sends them again to a Redis that has lost them.
 * Each call also declares a key that never exists: a cluster that moves a slot redirects calls whose keys are not all in one place, and
 * the client tries again. Without it a script could start and miss half of its keys. The scripts themselves never see it.
 */
export function scriptsOf<Name extends string>(
  source: ScriptSource,
  lua: Readonly<Record<Name, string>>,
): (name: Name) => Script {
  const defined = new Set<string>();
  return (name) => async (keys, args) => {
    const client = await clientOf(source);
    const command = `damoov:${name}`;
    if (!defined.has(command)) client.defineCommand(command, asDefined(lua[name]));
    defined.add(command);
    const nowhere = `${keys[0] ?? ('opts' in source ? source.opts.prefix : '')}:nowhere`;
    return client.runCommand(command, [keys.length + 1, ...keys, nowhere, ...args]);
  };
}

/** A script with one JSON argument, ARGV[1]. */
export type JsonScript = (keys: readonly string[], argument: object) => Promise<unknown>;

/** As {@link scriptsOf}, for scripts with one JSON argument. */
export function jsonScriptsOf<Name extends string>(
  source: ScriptSource,
  lua: Readonly<Record<Name, string>>,
): (name: Name) => JsonScript {
  const script = scriptsOf(source, lua);
  return (name) => (keys, argument) => script(name)(keys, [luaJson(argument)]);
}

function clientOf(source: ScriptSource) {
  if ('getBackend' in source) return source.getBackend().client;
  return {
    defineCommand: (name: string, definition: ReturnType<typeof asDefined>) =>
      source.defineCommand(name, definition),
    async runCommand(name: string, args: Argument[]): Promise<unknown> {
      const command: unknown = Reflect.get(source, name);
      return typeof command === 'function' ? command.call(source, args) : undefined;
    },
  };
}

/** Without the number of keys in the definition, the client takes each call's first argument for it. */
function asDefined(lua: string): { lua: string; numberOfKeys: number } {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- BullMQ's type asks for what ioredis can do without
  return { lua: `table.remove(KEYS) ${lua}` } as { lua: string; numberOfKeys: number };
}

/**
 * Reads the scripts beside a module, by their names without `.lua`; several become one text.
 * @param moduleUrl the module's own `import.meta.url`.
 */
export function luaBeside(moduleUrl: string): (...names: string[]) => string {
  const read = (name: string) => readFileSync(new URL(`${name}.lua`, moduleUrl), 'utf8');
  return (...names) => names.map(read).join('\n');
}
