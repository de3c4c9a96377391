/**
 * `damoov-users sandbox`: runs the simulator of the Damoov user API until it is stopped.
 */
import { readInstancesFile } from '../../config/instances-file.ts';
import { startSandbox } from '../../sandbox/server.ts';
import type { CommandContext } from '../common/command-context.ts';
import { outputOf } from '../terminal/output.ts';
import { untilStopped } from '../terminal/until-stopped.ts';
import { UsageError } from '../common/usage-error.ts';

export interface SandboxCommandOptions {
  host: string;
  port: number;
  instances?: string;
}

export async function sandbox(
  { instances, host, port }: SandboxCommandOptions,
  context: CommandContext,
): Promise<void> {
  const server = await startSandbox({
    host,
    port,
    ...(instances !== undefined && { instances: instancesIn(instances) }),
  }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === undefined) throw error;
    throw new Error(`--host, --port: cannot listen on ${host}:${port} (${error.code})`);
  });
  const stopped = untilStopped(context);
  if (await outputOf(context.stdout).line(server.url)) await stopped;
  await server.close();
}

/** @throws UsageError */
function instancesIn(file: string) {
  const faults: string[] = [];
  const instances = readInstancesFile(file, faults, '--instances');
  if (faults.length > 0) throw new UsageError(faults.join('\n'));
  return Object.values(instances);
}
