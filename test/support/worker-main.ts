/**
 * A worker process with shorter timings than the product's, so that a test need not wait half a minute for a lock.
 */
import { startApp } from '../../src/app.ts';
import { untilStopped } from '../../src/cli/until-stopped.ts';
import { loadConfig } from '../../src/config.ts';
import { createLog } from '../../src/ops/log.ts';
import { SHORT_PROBES } from './short-probes.ts';

const app = await startApp(loadConfig(), await createLog('trace', false), {
  lockMs: 1000,
  ...SHORT_PROBES,
});
await untilStopped();
await app.close();
process.exit(0);
