/**
 * The ledger's scripts, with what they need of BullMQ and of the gates. Knows what they are made of, not what they do.
 */
import type { Queue } from 'bullmq';
import { gathered, luaForSeveral } from '../gathered-calls.ts';
import { QUEUE_FUNCTIONS } from '../queue-functions.ts';
import { luaBeside, scriptsOf } from '../scripts.ts';

const readLua = luaBeside(import.meta.url);

/** `begin` and `settle`, for jobs of this queue. */
export function ledgerScripts(jobs: Queue) {
  const { addStandardJob, moveToDelayed, moveToFinished, promote } = QUEUE_FUNCTIONS;
  const script = scriptsOf(jobs, {
    begin: luaForSeveral(
      [moveToDelayed, promote, readLua('../parked'), readLua('record'), readLua('../gates/gate')],
      readLua('begin'),
    ),
    settle: luaForSeveral(
      [
        addStandardJob,
        moveToFinished,
        promote,
        readLua('../parked'),
        readLua('record'),
        readLua('remains'),
        readLua('../deletions/deletion'),
        readLua('../deletions/returned'),
      ],
      readLua('settle'),
    ),
    'lock-name': [promote, readLua('../parked'), readLua('record'), readLua('lock-name')].join('\n'),
  });
  return {
    begin: gathered(script('begin')),
    settle: gathered(script('settle')),
    lockName: script('lock-name'),
  };
}
