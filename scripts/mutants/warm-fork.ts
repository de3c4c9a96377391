/**
 * A test process of `warm-pool.ts`. It evaluates our sources and tests anew for each run, but loads Vitest and the packages once.
 * After each run it reports whether its state is the same as before the first one.
 */
import { init, runBaseTests, setupEnvironment } from 'vitest/worker';

const MOST_BYTES = 800e6;
/** Vitest adds these listeners in the first run. */
const VITEST_LISTENS = new Set<string | symbol>(['uncaughtException', 'unhandledRejection']);
const { setTimeout, Date } = globalThis;
const send = process.send?.bind(process);
let atFirst: string | undefined;

// Vitest replaces `process.exit` by a function that throws.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
init({
  post: (message) => send?.(isEnd(message) ? { ...message, isClean: isClean() } : message),
  on: (callback) => process.on('message', callback),
  off: (callback) => process.off('message', callback),
  setup: setupEnvironment,
  runTests: async (state, traces) => {
    atFirst ??= traits();
    try {
      await runBaseTests('run', state, traces);
    } finally {
      state.evaluatedModules.clear();
    }
  },
  collectTests: async (state, traces) => runBaseTests('collect', state, traces),
});

function isEnd(message: unknown): message is { type: 'testfileFinished' } {
  return (message as { type?: string }).type === 'testfileFinished';
}

function isClean(): boolean {
  return traits() === atFirst && process.memoryUsage.rss() < MOST_BYTES;
}

/** The state that a test may change and the next run could notice. */
function traits(): string {
  const resources = process.getActiveResourcesInfo().sort();
  const timer = resources.indexOf('Timeout');
  if (timer >= 0) resources.splice(timer, 1); // Vitest's own
  const events = process.eventNames().filter((name) => !VITEST_LISTENS.has(name));
  const listeners = events.map((name) => [String(name), process.listenerCount(name)]);
  const { SSR: _ssr, VITEST_WORKER_ID: _id, ...env } = process.env;
  const isTimeReal = setTimeout === globalThis.setTimeout && Date === globalThis.Date;
  return JSON.stringify([resources, listeners, process.cwd(), env, isTimeReal]);
}
