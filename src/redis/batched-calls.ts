/**
 * Lets calls of one script share their way to Redis: those that a turn of the event loop brings about, a few at a time. Knows
 * nothing of what the script does.
 */
import { z } from 'zod';
import { type Argument, type Script, luaBeside } from './scripts.ts';

/** So many leave together at the most: Redis works on them while the next ones are written, and others get their turn between. */
const MOST = 8;

const GATHERED = luaBeside(import.meta.url)('batched');

/**
 * The script that carries out several calls of another, for {@link batched}.
 * @param before what the other needs in front of it.
 */
export function luaForSeveral(before: readonly string[], lua: string): string {
  return [...before, `local function call(KEYS, ARGV)\n${lua}\nend`, GATHERED].join('\n');
}

export type BatchedScript = (
  keys: readonly string[],
  args: readonly Argument[],
  options?: {
    /** It may wait some milliseconds for others with which it can go. */
    mayWait?: boolean;
  },
) => Promise<unknown>;

/** How long a call waits at the most that may, in milliseconds. */
const PATIENCE_MS = 5;

/**
 * Calls a script made by {@link luaForSeveral}; each call is answered, or fails, as if it had been alone.
 * @param shared what all calls share: the first argument of each journey.
 */
export function batched(script: Script, shared = ''): BatchedScript {
  let waiting: Call[] = [];
  let isLeaving = false;
  let timer: NodeJS.Timeout | undefined;
  const leave = () => {
    clearTimeout(timer);
    timer = undefined;
    isLeaving = false;
    const calls = waiting;
    waiting = [];
    if (calls.length > 0) void carryOut(calls, script, shared);
  };
  return async (keys, args, { mayWait = false } = {}) => {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    waiting.push({ keys, args, resolve, reject });
    if (waiting.length === MOST) leave();
    else if (mayWait) timer ??= setTimeout(leave, PATIENCE_MS);
    else if (!isLeaving) {
      isLeaving = true;
      // By then all is read that has come in, and what it brings about goes together.
      setImmediate(leave);
    }
    return promise;
  };
}

interface Call {
  keys: readonly string[];
  args: readonly Argument[];
  resolve: (answer: unknown) => void;
  reject: (error: unknown) => void;
}

async function carryOut(calls: readonly Call[], script: Script, shared: string): Promise<void> {
  try {
    const keys = calls.flatMap((call) => call.keys);
    const args = calls.flatMap((call) => [call.keys.length, call.args.length, ...call.args]);
    const answers = Answers.parse(await script(keys, [shared, ...args]));
    for (const [index, { resolve, reject }] of calls.entries()) {
      const [isAnswer, told] = answers[index] ?? [0, 'ERR no answer'];
      if (isAnswer === 1) resolve(told);
      // As the client names what Redis itself refuses.
      else reject(Object.assign(new Error(String(told)), { name: 'ReplyError' }));
    }
  } catch (error) {
    for (const { reject } of calls) reject(error);
  }
}

const Answers = z.array(z.tuple([z.number(), z.unknown()]));
