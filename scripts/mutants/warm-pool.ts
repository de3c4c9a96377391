/**
 * A pool for Vitest that keeps the process of each test file for the file's next run: loading Vitest and the packages takes longer
 * than most tests. A process whose state a run has changed is not used again.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { PoolOptions, PoolRunnerInitializer, PoolWorker, WorkerRequest } from 'vitest/node';

const ENTRY = fileURLToPath(new URL('warm-fork.ts', import.meta.url));
const MOST_KEPT = 8;

/** By the path of the test file, least recently used first. */
const kept = new Map<string, ChildProcess>();

export const warmPool: PoolRunnerInitializer = {
  name: 'warm',
  createPoolWorker: (options) => new WarmWorker(options),
};

/** The duration of the slowest test of each file without a mutant, in milliseconds. */
export const slowestMs = new Map<string, number>();

/** The test files that have a kept process. */
export function keptTests(): string[] {
  return [...kept.keys()];
}

export function discard(test: string): void {
  kept.get(test)?.kill('SIGKILL');
  kept.delete(test);
}

/** Vitest takes it for a new process each time. Which file it is for is known only from the message `run`. */
class WarmWorker implements PoolWorker {
  readonly name = 'warm';
  /** With it a process asks Vitest only once which modules are on disk, and then misses the next mutant. */
  readonly cacheFs = false;
  readonly #options: PoolOptions;
  readonly #events = new EventEmitter();
  #start: WorkerRequest | undefined;
  #run: WorkerRequest | undefined;
  #fork: ChildProcess | undefined;
  #test = '';
  #isClean = false;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  on(event: string, callback: (...args: unknown[]) => void): void {
    this.#events.on(event, callback);
  }

  off(event: string, callback: (...args: unknown[]) => void): void {
    this.#events.off(event, callback);
  }

  deserialize(data: unknown): unknown {
    return data;
  }

  async start(): Promise<void> {}

  send(message: WorkerRequest): void {
    if (message.type === 'start') {
      this.#start = message;
      this.#answer('started');
    } else if (message.type === 'stop') {
      this.#answer('stopped');
    } else if (message.type === 'run') {
      this.#begin(message, message.context.files[0]?.filepath ?? '');
    } else {
      this.#fork?.send(message);
    }
  }

  async stop(): Promise<void> {
    this.#fork?.off('message', this.#onMessage).off('exit', this.#onExit);
    if (!this.#isClean) discard(this.#test);
    const [oldest] = kept.keys();
    if (oldest !== undefined && kept.size > MOST_KEPT) discard(oldest);
  }

  #begin(run: WorkerRequest, test: string): void {
    this.#test = test;
    const used = kept.get(test);
    kept.delete(test);
    this.#fork = used?.connected === true ? used : this.#launch(run);
    kept.set(test, this.#fork);
    this.#fork.on('message', this.#onMessage).on('exit', this.#onExit);
    this.#fork.send(this.#run === undefined ? run : this.#startOf(test));
  }

  #startOf(test: string): WorkerRequest {
    const start = this.#start;
    if (start?.type !== 'start') throw new Error('Vitest runs a worker before it starts it');
    const usualMs = slowestMs.get(test);
    if (usualMs === undefined) return start;
    const config = { ...start.context.config, ...timeouts(usualMs) };
    return { ...start, context: { ...start.context, config } };
  }

  #launch(run: WorkerRequest): ChildProcess {
    this.#run = run;
    const { env, execArgv } = this.#options;
    const child = fork(ENTRY, [], { env, execArgv, stdio: 'ignore', serialization: 'advanced' });
    child.on('error', () => {}); // a message after its end; `exit` is handled
    return child;
  }

  readonly #onMessage = (message: object) => {
    if ('isClean' in message) this.#isClean = message.isClean === true;
    if ('type' in message && message.type === 'started') this.#fork?.send(this.#run as WorkerRequest);
    else this.#events.emit('message', message);
  };

  readonly #onExit = (...args: unknown[]) => void this.#events.emit('exit', ...args);

  #answer(type: 'started' | 'stopped'): void {
    setImmediate(() => this.#events.emit('message', { type, __vitest_worker_response__: true }));
  }
}

/** Shorter than those of the configuration: a mutant that makes a test wait often makes it wait for ever. */
function timeouts(usualMs: number) {
  const testTimeout = 15_000 + 4 * usualMs;
  return { testTimeout, hookTimeout: testTimeout, expect: { poll: { timeout: 6000 + 4 * usualMs } } };
}
