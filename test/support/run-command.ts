/**
 * Commands of the product as processes of their own, from their start to their end.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';
import { nothingConfigured } from './spawn-worker.ts';

export interface CommandEnd {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** `damoov-users ARGS`, still running; nobody sits at its terminal. `input` is all of its standard input, null: it stays open. */
export function startCommand(
  args: readonly string[],
  env: Record<string, string>,
  nodeArgs: string[] = [],
  input: string | null = '',
) {
  const child = spawn(process.execPath, [...nodeArgs, 'src/main.ts', ...args], {
    env: { PATH: process.env['PATH'], ...nothingConfigured(), ...env },
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

/** `damoov-users ARGS`, to its end. */
export async function runCommand(
  args: readonly string[],
  env: Record<string, string>,
  nodeArgs?: string[],
  input?: string,
): Promise<CommandEnd> {
  const { child, exit } = startCommand(args, env, nodeArgs, input);
  const [stdout, stderr, status] = await Promise.all([text(child.stdout), text(child.stderr), exit]);
  return { status, stdout, stderr };
}
