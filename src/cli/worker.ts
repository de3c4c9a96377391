/**
 * `damoov-users worker`: runs the service until it is told to stop.
 */
import { startApp } from '../app.ts';
import { createLog } from '../ops/log.ts';
import type { CommandContext } from './context.ts';
import { untilStopped } from './until-stopped.ts';

export async function worker(context: CommandContext): Promise<void> {
  const config = await context.loadConfig();
  const log = await createLog(config.logLevel);
  // Listened for from here on: a signal during the start must not leave an embedded Redis behind.
  const stopped = untilStopped(context);
  const app = await startApp(config, log);
  const signal = await stopped;
  log.info({ signal }, 'stopping: finishing what is in flight');
  await app.close();
  log.info('stopped');
}
