/**
 * Commands of the product, called as functions, or as processes of their own where a test is about the process: its
 * signals, its memory, a reader that goes away.
 */
import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';
import { type CommandContext, REACH_MS, realClock } from '../../src/cli/common/command-context.ts';
import { run } from '../../src/cli/execute.ts';
import { cheapConfig } from './cheap-config.ts';
import { COMPILE_CACHE } from './compile-cache.ts';
import { nothingConfigured } from './spawn-worker.ts';

export interface CommandEnd {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** A command that is running: its output so far and to come, and its end. */
export interface RunningCommand {
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** As Ctrl-C does. */
  readonly signal: (name: 'SIGINT' | 'SIGTERM') => void;
  readonly exit: Promise<number>;
}

/** What a test may have otherwise than it is for a person. */
export type Waits = Partial<Pick<CommandContext, 'reachMs' | 'clock'>>;

/** The context of a command that is called as a function, without a person at its terminal. */
export function createContext(env: Record<string, string>, input = '', waits: Waits = {}) {
  const signals = new EventEmitter();
  return {
    stdin: Readable.from([Buffer.from(input)]),
    stdout: new PassThrough(),
    stderr: new PassThrough(),
    signals,
    exit(status: number) {
      throw new Error(`the command was stopped at once, with status ${status}`);
    },
    // Else all later tests of this process would have to.
    spareMemory() {},
    reachMs: REACH_MS,
    clock: realClock,
    ...waits,
    loadConfig: async () => cheapConfig(env),
  } satisfies CommandContext;
}

/** `damoov-users ARGS`, called as a function, still running. `input` is all of its standard input. */
export function startCommand(
  args: readonly string[],
  env: Record<string, string>,
  input?: string,
  waits?: Waits,
): RunningCommand {
  const context = createContext(env, input, waits);
  const { stdout, stderr, signals } = context;
  let isOver = false;
  const exit = run(args, context).finally(() => {
    isOver = true;
    stdout.end();
    stderr.end();
  });
  const signal = (name: 'SIGINT' | 'SIGTERM') => void signals.emit(name, name);
  onTestFinished(async () => {
    if (!isOver) signal('SIGTERM');
    await exit;
  });
  return { stdout, stderr, exit, signal };
}

/** `damoov-users ARGS`, called as a function, to its end. */
export async function runCommand(
  args: readonly string[],
  env: Record<string, string>,
  input?: string,
  waits?: Waits,
): Promise<CommandEnd> {
  const command = startCommand(args, env, input, waits);
  const [stdout, stderr, status] = await Promise.all([
    text(command.stdout),
    text(command.stderr),
    command.exit,
  ]);
  return { status, stdout, stderr };
}

/** `damoov-users ARGS` as a process, still running. `input` is all of its standard input; with null it stays open. */
export function spawnCommand(
  args: readonly string[],
  env: Record<string, string>,
  nodeArgs: string[] = [],
  input: string | null = '',
) {
  const child = spawn(process.execPath, [...nodeArgs, 'src/main.ts', ...args], {
    env: { PATH: process.env['PATH'], ...COMPILE_CACHE, ...nothingConfigured(), ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  // Not every command reads its input to the end.
  child.stdin.on('error', () => {});
  if (input !== null) child.stdin.end(input);
  const exit = once(child, 'close').then(([status]) => status as number | null);
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await exit;
  });
  return { child, exit };
}

/** `damoov-users ARGS` as a process, to its end. */
export async function runProcess(
  args: readonly string[],
  env: Record<string, string>,
  nodeArgs?: string[],
  input?: string,
): Promise<CommandEnd> {
  const { child, exit } = spawnCommand(args, env, nodeArgs, input);
  const [stdout, stderr, status] = await Promise.all([text(child.stdout), text(child.stderr), exit]);
  return { status, stdout, stderr };
}
