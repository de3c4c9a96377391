/**
 * A worker process with shorter timings than the product's, so that a test need not wait half a minute for a lock, unless
 * TEST_LOCK_MS says so; where TEST_CLOCK is set, with the product's own probes on a clock that goes faster.
 */
import { flushCompileCache } from 'node:module';
import { startApp } from '../../src/app/app.ts';
import { processContext } from '../../src/cli/common/command-context.ts';
import { untilStopped } from '../../src/cli/terminal/until-stopped.ts';
import { createLog } from '../../src/ops/log.ts';
import { cheapConfig } from './cheap-config.ts';
import { type FastClock, fastClock } from './fast-clock.ts';
import { SHORT_PROBES } from './short-probes.ts';

const clock = process.env['TEST_CLOCK'];
const app = await startApp(cheapConfig(), await createLog('trace', false), {
  lockMs: Number(process.env['TEST_LOCK_MS'] ?? 1000),
  lagMs: 1000,
  ...(clock === undefined
    ? SHORT_PROBES
    : { now: fastClock(JSON.parse(clock) as FastClock), wakeHeldMs: SHORT_PROBES.wakeHeldMs }),
});
// Else it is written on exit, and these processes are killed.
flushCompileCache();
await untilStopped(processContext);
await app.close();
process.exit(0);
