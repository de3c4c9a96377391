/**
 * `damoov-users worker`: runs the service until it is told to stop.
 */
import { startApp } from '../app.ts';
import { loadConfig, loadEnvFile } from '../config.ts';
import { createLog } from '../ops/log.ts';
import { untilStopped } from './until-stopped.ts';

export async function worker(): Promise<void> {
  loadEnvFile();
  const config = loadConfig();
  const log = await createLog(config.logLevel);
  // Listened for from here on: a signal during the start must not leave an embedded Redis behind.
  const stopped = untilStopped();
  const app = await startApp(config, log);
  const signal = await stopped;
  log.info({ signal }, 'stopping: finishing what is in flight');
  await app.close();
  log.info('stopped');
}
