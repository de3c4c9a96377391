/**
 * `damoov-users worker`: runs the service until it is stopped.
 */
import { startApp } from '../../app/app.ts';
import { createLog } from '../../ops/log.ts';
import type { CommandContext } from '../common/command-context.ts';
import { untilStopped } from '../terminal/until-stopped.ts';

export interface WorkerCommandOptions {
  replaceUserIdSettings?: boolean;
}

/** @throws ConfigError if the fleet has other UserId settings, or gets others while this worker runs. */
export async function worker(options: WorkerCommandOptions, context: CommandContext): Promise<void> {
  const config = await context.loadConfig();
  const log = await createLog(config.logLevel);
  // Listens from here on: a signal during the start must not leave an embedded Redis behind.
  const stopped = untilStopped(context);
  const { replaceUserIdSettings: replacesUserIdSettings } = options;
  const app = await startApp(config, log, {}, { replacesUserIdSettings });
  const reason = await Promise.race([stopped, app.broken]);
  const isBroken = typeof reason !== 'string';
  if (isBroken) log.error({ faults: reason.faults }, 'the fleet has other settings: this worker must stop');
  log.info(isBroken ? {} : { signal: reason }, 'stopping: finishing active jobs');
  await app.close();
  log.info('stopped');
  if (isBroken) throw reason;
}
