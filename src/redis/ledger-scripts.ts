/**
 * The ledger's two scripts, with those of BullMQ that they call. Knows which parts each one needs, not what they do.
 */
// No public entry of the package: the version is pinned, and a test runs every one of them.
import { addStandardJob } from 'bullmq/dist/esm/scripts/addStandardJob-9.js';
import { moveToDelayed } from 'bullmq/dist/esm/scripts/moveToDelayed-11.js';
import { promote } from 'bullmq/dist/esm/scripts/promote-9.js';
import { type Argument, type ScriptClient, functionOf, readLua, scriptsOf } from './lua.ts';

export interface LedgerScripts {
  begin(keys: readonly string[], args: readonly Argument[]): Promise<unknown>;
  settle(keys: readonly string[], args: readonly Argument[]): Promise<unknown>;
}

export function loadLedgerScripts(client: ScriptClient): LedgerScripts {
  const begin = [functionOf(moveToDelayed), functionOf(promote), readLua('record'), readLua('begin')];
  const settle = [functionOf(addStandardJob), functionOf(promote), readLua('record'), readLua('settle')];
  const [beginLua, settleLua] = [begin.join('\n'), settle.join('\n')];
  const run = scriptsOf(client);
  return {
    begin: (keys, args) => run('ledger:begin', beginLua, keys, args),
    settle: (keys, args) => run('ledger:settle', settleLua, keys, args),
  };
}
