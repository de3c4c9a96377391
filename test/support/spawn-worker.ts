/**
 * Workers as processes of their own, for tests with real signals.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';
import { VARIABLES } from '../../src/config/config.ts';
import { COMPILE_CACHE } from './compile-cache.ts';
import { inTime } from './in-time.ts';

export interface WorkerProcess {
  readonly child: ChildProcess;
  /** Every line it has written, on stdout and stderr. */
  readonly output: readonly string[];
  /** Resolves once the worker has logged this message; rejects where it has ended without. */
  says(message: string): Promise<void>;
  /** The exit status, or the signal that ended it. */
  readonly exit: Promise<number | NodeJS.Signals>;
  /** Has it stop, as a container platform does, and answers its exit. */
  stop(): Promise<number | NodeJS.Signals>;
}

/** Empty counts as not set, and goes before what a developer's own `.env` says. */
export function nothingConfigured(): Record<string, string> {
  return Object.fromEntries(VARIABLES.map((name) => [name, '']));
}

/** The product's own command. */
export function spawnWorker(env: Record<string, string>): WorkerProcess {
  return spawnNode(['src/main.ts', 'worker'], env);
}

/** The same service with a lock of a second, so that a job of a dead worker is taken up soon. */
export function spawnShortLockedWorker(env: Record<string, string>): WorkerProcess {
  return spawnNode(['test/support/worker-main.ts'], env);
}

function spawnNode(args: string[], env: Record<string, string>): WorkerProcess {
  const child = spawn(process.execPath, args, {
    env: { PATH: process.env['PATH'], ...COMPILE_CACHE, ...nothingConfigured(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exit = once(child, 'exit').then(([status, signal]) => (status ?? signal) as number | NodeJS.Signals);
  // What it wrote last is read after its end.
  const closed = once(child, 'close');
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await exit;
  });
  const output: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => void output.push(line));
  const said = new Set<string>();
  const listeners = new Set<() => void>();
  createInterface({ input: child.stderr }).on('line', (line) => {
    output.push(line);
    said.add((JSON.parse(line) as { msg: string }).msg);
    for (const listener of listeners) listener();
  });
  const lastWords = () => output.slice(-3).join('\n');
  return {
    child,
    exit,
    output,
    async says(message) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const look = () => void (said.has(message) && resolve());
      listeners.add(look);
      look();
      void closed.then(() =>
        reject(new Error(`the worker has ended and not said "${message}": ${lastWords()}`)),
      );
      return inTime(promise, () => `the worker has not said "${message}": ${lastWords()}`);
    },
    async stop() {
      child.kill('SIGTERM');
      return inTime(exit, () => `the worker has not stopped after SIGTERM: ${lastWords()}`);
    },
  };
}
