/**
 * Runs one command of the machine to its end. It knows nothing of what the command is for.
 */
import { spawn } from 'node:child_process';

/** How a command ended: a value, since a missing command is as ordinary to its callers as a failing one. */
export interface CommandResult {
  readonly ok: boolean;
  /** What it wrote, stdout and stderr together. */
  readonly output: string;
}

interface CommandOptions {
  /** Default 2,000 ms: enough for a question, so that whatever accepts it and never answers stops nobody. */
  readonly deadlineMs?: number;
  /** What the command shall take for its own name. */
  readonly argv0?: string;
}

/** Never rejects. */
export type RunCommand = (
  command: string,
  args: readonly string[],
  options?: CommandOptions,
) => Promise<CommandResult>;

export const runCommand: RunCommand = (command, args, { deadlineMs = 2_000, argv0 = command } = {}) =>
  new Promise((resolve) => {
    const child = spawn(command, args, { argv0, stdio: ['ignore', 'pipe', 'pipe'] });
    // Not spawn's own timeout: that one lives on after a command that could not even be started.
    const deadline = setTimeout(() => child.kill('SIGKILL'), deadlineMs);
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.on('error', (error) => {
      clearTimeout(deadline);
      resolve({ ok: false, output: error.message });
    });
    child.on('close', (status) => {
      clearTimeout(deadline);
      resolve({ ok: status === 0, output });
    });
  });
