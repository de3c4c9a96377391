/**
 * Starts the process of one runner on a copy of the tree and gives it one task at a time. Without an answer in time it kills the
 * process and everything that the process has started.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { killAll, processesIn } from './processes.ts';
import type { Task, TaskResult } from './runner-main.ts';
import { copyTree } from './tree-copy.ts';

const MAIN = fileURLToPath(new URL('runner-main.ts', import.meta.url));
const START_MS = 60_000;

export class Runner {
  readonly #dir: string;
  readonly #root: string;
  #child: Promise<ChildProcess> | undefined;

  constructor(root: string, dir: string) {
    this.#root = root;
    this.#dir = dir;
  }

  /** Undefined if there is no answer in time: the process is killed then, and the next task starts another. */
  async run(task: Task, limitMs: number): Promise<TaskResult | undefined> {
    this.#child ??= this.#start();
    const child = await this.#child;
    child.send(task);
    const result = await answerOf<TaskResult>(child, limitMs);
    if (result === undefined) this.kill();
    return result;
  }

  async stop(): Promise<void> {
    const child = await this.#child;
    if (child !== undefined && child.exitCode === null) {
      child.send('stop');
      await Promise.race([once(child, 'exit'), once(AbortSignal.timeout(5000), 'abort')]);
    }
    this.kill();
  }

  /** Kills everything that works in the copy: the runner, its Redis, and all processes that tests have started. */
  kill(): void {
    killAll(processesIn(this.#dir).map(({ pid }) => pid));
    this.#child?.then(
      ({ pid }) => killAll(pid === undefined ? [] : [-pid]),
      () => {}, // it did not start: `run` rejects
    );
    this.#child = undefined;
  }

  async #start(): Promise<ChildProcess> {
    copyTree(this.#root, this.#dir);
    const child = fork(MAIN, [], {
      cwd: this.#dir,
      detached: true,
      serialization: 'advanced',
      execArgv: [],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      env: { ...process.env, TEST_REDIS: 'server', TMPDIR: join(this.#dir, '.data', 'tmp') },
    });
    if ((await answerOf(child, START_MS)) === undefined) throw new Error('a runner did not start');
    return child;
  }
}

async function answerOf<Answer>(child: ChildProcess, limitMs: number): Promise<Answer | undefined> {
  const { promise, resolve } = Promise.withResolvers<Answer | undefined>();
  const giveUp = () => resolve(undefined);
  const timer = setTimeout(giveUp, limitMs);
  child.once('message', resolve).once('exit', giveUp);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    child.off('message', resolve).off('exit', giveUp);
  }
}
