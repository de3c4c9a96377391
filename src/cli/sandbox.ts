/**
 * `damoov-users sandbox`: runs the simulator of the Damoov user API until it is told to stop.
 */
import { type SandboxModes, startSandbox } from '../sandbox/server.ts';
import type { CommandContext } from './context.ts';
import { readFactsFile } from './facts-file.ts';
import { modesOf } from './facts-to-modes.ts';
import { untilStopped } from './until-stopped.ts';
import { UsageError } from './usage-error.ts';

export interface SandboxCommandOptions {
  host: string;
  port: number;
  /** What a probe has seen of Damoov, to be followed. */
  facts?: string;
}

export async function sandbox(
  { facts: file, ...options }: SandboxCommandOptions,
  context: CommandContext,
): Promise<void> {
  const modes = file === undefined ? {} : followedModes(file, context);
  const server = await startSandbox({ ...options, modes }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === undefined) throw error;
    throw new Error(`--host, --port: cannot listen on ${options.host}:${options.port} (${error.code})`);
  });
  context.stdout.write(`${server.url}\n`);
  await untilStopped(context);
  await server.close();
}

/** @throws UsageError */
function followedModes(file: string, { stderr }: CommandContext): Partial<SandboxModes> {
  const read = readFactsFile(file);
  if (read === undefined) throw new UsageError(`--facts: there is no ${file}`);
  const { modes, without } = modesOf(read.facts);
  if (without.length > 0) {
    stderr.write(`the sandbox has no mode for some facts, and keeps to its own: ${without.join(', ')}\n`);
  }
  return modes;
}
