/**
 * Runs one command and returns its exit status.
 */
import type { Writable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { CommanderError } from 'commander';
import { version } from '../config/package-version.ts';
import { commandLine } from './command-line.ts';
import { type CommandContext, processContext } from './common/command-context.ts';
import { UsageError } from './common/usage-error.ts';

const DONE = 0;
const FAILED = 1;
const BAD_USAGE = 2;

/** Runs a command as this process, which ends with the command's status. */
export async function runAsProcess(argv: string[]): Promise<never> {
  const status = await run(argv.slice(2), processContext);
  await flushed(process.stderr);
  process.exit(status);
}

/** Bytes in a pipe that were not read yet would be lost with the process. */
async function flushed(stream: Writable): Promise<void> {
  if (stream.writableLength === 0 || stream.destroyed) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  stream.once('error', () => resolve());
  stream.write('', () => resolve());
  return promise;
}

/** Runs the command that these arguments name, and returns its exit status: an unwritten result is a failure. */
export async function run(args: readonly string[], context: CommandContext): Promise<number> {
  const { stdout, stderr } = context;
  // Not read at the end: the standard output of a process forgets its errors.
  let error: NodeJS.ErrnoException | undefined;
  stdout.once('error', (first) => (error = first));
  for (const stream of [stdout, stderr]) stream.on('error', () => {});
  const status = await exitStatus(args, context);
  await flushed(stdout);
  // The error of a finished write arrives a moment later.
  await setImmediate();
  if (error === undefined) return status;
  // A reader that stops early, such as `head`, needs no message.
  if (error.code !== 'EPIPE') stderr.write(`the result cannot be written (${error.code ?? error.name})\n`);
  return status === DONE ? FAILED : status;
}

async function exitStatus(args: readonly string[], context: CommandContext): Promise<number> {
  let status = DONE;
  const onFailed = () => (status = FAILED);
  try {
    await commandLine(version, onFailed, context).parseAsync(args, { from: 'user' });
    return status;
  } catch (error) {
    // Commander has already printed the error or the requested help.
    if (error instanceof CommanderError) return error.exitCode === 0 ? DONE : BAD_USAGE;
    context.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return isBadUsage(error) ? BAD_USAGE : FAILED;
  }
}

/** By name: the module of ConfigError is loaded only if a configuration is read. */
function isBadUsage(error: unknown): boolean {
  return error instanceof UsageError || (error instanceof Error && error.name === 'ConfigError');
}
