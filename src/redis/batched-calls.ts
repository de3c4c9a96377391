/**
 * Batches calls of one script: calls from one turn of the event loop go to Redis together.
 */
import { z } from 'zod';
import { type Argument, type Script, luaBeside } from './scripts.ts';

/** Maximum calls per batch: Redis works on one batch while the next is written, and serves other clients in between. */
const MOST = 8;

const GATHERED = luaBeside(import.meta.url)('batched');

/**
 * The script that runs several calls of another one, for {@link batched}.
 * @param before Lua that the other script needs.
 */
export function luaForSeveral(before: readonly string[], lua: string): string {
  return [...before, `local function call(KEYS, ARGV)\n${lua}\nend`, GATHERED].join('\n');
}

export type BatchedScript = (
  keys: readonly string[],
  args: readonly Argument[],
  options?: {
    /** It may wait some milliseconds for other calls. */
    mayWait?: boolean;
  },
) => Promise<unknown>;

/** Maximum wait of such a call, in milliseconds. */
const PATIENCE_MS = 5;

/**
 * Calls a script made by {@link luaForSeveral}; each call succeeds or fails by itself.
 * @param shared the first argument of each batch, shared by all its calls.
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
      // By then all received input was read, and the calls it causes go together.
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
      const [isAnswer, reply] = answers[index] ?? [0, 'ERR no answer'];
      if (isAnswer === 1) resolve(reply);
      // The client's name for an error of Redis.
      else reject(Object.assign(new Error(String(reply)), { name: 'ReplyError' }));
    }
  } catch (error) {
    for (const { reject } of calls) reject(error);
  }
}

const Answers = z.array(z.tuple([z.number(), z.unknown()]));
