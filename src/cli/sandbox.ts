/**
 * `damoov-users sandbox`: runs the simulator of the Damoov user API until it is told to stop.
 */
import { startSandbox } from '../sandbox/server.ts';
import { untilStopped } from './until-stopped.ts';

export interface SandboxCommandOptions {
  host: string;
  port: number;
}

export async function sandbox(options: SandboxCommandOptions): Promise<void> {
  const server = await startSandbox(options).catch((error: NodeJS.ErrnoException) => {
    if (error.code === undefined) throw error;
    throw new Error(`--host, --port: cannot listen on ${options.host}:${options.port} (${error.code})`);
  });
  process.stdout.write(`${server.url}\n`);
  await untilStopped();
  await server.close();
}
