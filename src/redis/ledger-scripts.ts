/**
 * Puts the ledger's scripts together: ours, and in front of them BullMQ's own, each as a function, so that a user's record
 * and the queues change in one step. Knows how scripts are composed and called, not what they do.
 */
import { readFileSync } from 'node:fs';
import type { Queue } from 'bullmq';
// No public entry of the package: the version is pinned, and a test runs every one of them.
import { addStandardJob } from 'bullmq/dist/esm/scripts/addStandardJob-9.js';
import { moveToDelayed } from 'bullmq/dist/esm/scripts/moveToDelayed-11.js';
import { promote } from 'bullmq/dist/esm/scripts/promote-9.js';

export type Argument = string | number | Buffer;

export interface LedgerScripts {
  begin(keys: readonly string[], args: readonly Argument[]): Promise<unknown>;
  settle(keys: readonly string[], args: readonly Argument[]): Promise<unknown>;
}

type Client = Awaited<ReturnType<Queue['getBackend']>['client']>;

/** Registers the scripts once; a Redis that has forgotten them is told them again by the client. */
export function loadLedgerScripts(client: Client): LedgerScripts {
  const begin = [functionOf(moveToDelayed), functionOf(promote), read('record'), read('begin')].join('\n');
  const settle = [functionOf(addStandardJob), functionOf(promote), read('record'), read('settle')].join('\n');
  const defined = new Set<string>();
  const run = (name: string, lua: string, keys: readonly string[], args: readonly Argument[]) => {
    // The number of keys is part of a command: settling for two events queues is another one than for three.
    const command = `${name}:${keys.length}`;
    if (!defined.has(command)) client.defineCommand(command, { numberOfKeys: keys.length, lua });
    defined.add(command);
    return client.runCommand(command, [...keys, ...args]) as Promise<unknown>;
  };
  return {
    begin: (keys, args) => run('ledger:begin', begin, keys, args),
    settle: (keys, args) => run('ledger:settle', settle, keys, args),
  };
}

/** The parameters hide our own KEYS and ARGV. */
function functionOf({ name, content }: { name: string; content: string }): string {
  return `local function ${name}(KEYS, ARGV)\n${content}\nend`;
}

function read(name: string): string {
  return readFileSync(new URL(`${name}.lua`, import.meta.url), 'utf8');
}
