/**
 * The ledger's scripts, with what they need of BullMQ and of the gates. Knows what they are made of, not what they do.
 */
import type { Queue } from 'bullmq';
// No public entry of the package: the version is pinned, and a test runs every one of them.
import { addStandardJob } from 'bullmq/dist/esm/scripts/addStandardJob-9.js';
import { moveToDelayed } from 'bullmq/dist/esm/scripts/moveToDelayed-11.js';
import { moveToFinished } from 'bullmq/dist/esm/scripts/moveToFinished-14.js';
import { promote } from 'bullmq/dist/esm/scripts/promote-9.js';
import { functionOf, luaBeside, scriptsOf } from '../scripts.ts';

const readLua = luaBeside(import.meta.url);

/** `begin` and `settle`, for jobs of this queue. */
export function ledgerScripts(jobs: Queue) {
  return scriptsOf(jobs, {
    begin: [
      functionOf(moveToDelayed),
      functionOf(promote),
      readLua('record'),
      readLua('../gates/gate'),
      readLua('begin'),
    ].join('\n'),
    settle: [
      functionOf(addStandardJob),
      functionOf(moveToFinished),
      functionOf(promote),
      readLua('record'),
      readLua('remains'),
      readLua('../deletions/deletion'),
      readLua('../deletions/returned'),
      readLua('settle'),
    ].join('\n'),
  });
}
