/**
 * A worker process of the torture run: it has a short lock, says when it works, and ends with its parent.
 */
import { flushCompileCache } from 'node:module';
import { startApp } from '../../src/app/app.ts';
import { loadConfig } from '../../src/config/config.ts';
import { createLog } from '../../src/ops/log.ts';
import { SHORT_PROBES } from '../support/short-probes.ts';
import { LOCK_MS } from './fleet.ts';

process.once('disconnect', () => process.exit(1));
const config = loadConfig();
/** Longer than look-ups at the sandbox lag behind. */
const LAG_MS = 1000;

await startApp(config, await createLog(config.logLevel, false), {
  lockMs: LOCK_MS,
  lagMs: LAG_MS,
  ...SHORT_PROBES,
});
process.send?.('ready');
// Else it is written on exit, and these processes are killed.
flushCompileCache();
