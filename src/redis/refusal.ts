/**
 * What Redis means by a refusal, in one sentence and with what to do. Knows Redis' codes; what it says after them, and what
 * ioredis keeps of the command, may be anything and is never told.
 */
import { type RedisConnection, isLostConnection } from './connection.ts';

/** Redis answers, and does not do what it was asked for. */
export class RedisRefusedError extends Error {
  override readonly name = 'RedisRefusedError';
  /** Redis' own word for it: `OOM`, `READONLY`, `MISCONF`, `NOPERM`, or another. */
  readonly code: string;

  constructor(code: string) {
    const meaning = MEANING.get(code);
    super(meaning === undefined ? `Redis refuses (${code})` : `Redis refuses to write (${code}): ${meaning}`);
    this.code = code;
  }
}

const MEANING: ReadonlyMap<string, string> = new Map([
  ['OOM', 'its memory is full. Give it more (maxmemory), or let the workers catch up before more is added'],
  ['READONLY', 'it is a replica. Point the configuration at the master'],
  ['MISCONF', 'it cannot save what it holds. Look at its disk, and at its log'],
  ['NOPERM', 'its user may not do that. Give it the access that deploy/redis/users.acl has for its role'],
]);

/** Undefined for what is no refusal, or one whose meaning is not known. */
export function refusalOf(error: unknown): RedisRefusedError | undefined {
  if (error instanceof RedisRefusedError) return error;
  if (!(error instanceof Error) || error.name !== 'ReplyError') return undefined;
  // Out of a script older servers put words of their own in front.
  const [code] = /\b(?:OOM|READONLY|MISCONF|NOPERM)\b/.exec(error.message) ?? [];
  return code === undefined ? undefined : new RedisRefusedError(code);
}

/**
 * Whether Redis is at fault, or silent: that passes, or is mended there. What else fails, such as a script on what it was given, fails
 * again each time.
 */
export function isRedisFault(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error.name === 'ReplyError') return FAULT.test(error.message);
  if (error instanceof RedisRefusedError) return true;
  // Node's own errors have a code, too.
  if ('code' in error && String(error.code).startsWith('ERR_')) return false;
  return OF_THE_CLIENT.has(error.name) && isLostConnection(error);
}

/** The names under which ioredis says so. An error of any other name may quote what a job says, and with it any words. */
const OF_THE_CLIENT = new Set([
  'Error',
  'RedisAwayError',
  'MaxRetriesPerRequestError',
  'AbortError',
  'ClusterAllFailedError',
]);

/** Anywhere in the text: out of a script older servers put words of their own in front. The last one is settle.lua's own. */
const FAULT =
  /\b(?:OOM|READONLY|MISCONF|NOPERM|NOAUTH|WRONGPASS|LOADING|BUSY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|NOREPLICAS|UNKILLABLE|WRONGTYPE|max number of clients|BROKENQUEUE)\b/;

/** An error that anybody may be shown: what ioredis throws for a refusal holds the command, and with it what was to be written. */
export function redacted(error: unknown): unknown {
  if (!(error instanceof Error) || error.name !== 'ReplyError') return error;
  const [first = ''] = error.message.split(' ', 1);
  return refusalOf(error) ?? new RedisRefusedError(/^[A-Z]+$/.test(first) ? first : 'ERR');
}

/** Why Redis is at fault, in words that anybody may be shown; undefined if it is not. */
export function outageOf(error: unknown): string | undefined {
  if (!isRedisFault(error)) return undefined;
  const shown = redacted(error);
  return shown instanceof RedisRefusedError ? shown.message : 'Redis gave no answer';
}

/**
 * Whether Redis takes a write now: what it says of itself does not tell. Undefined if it does; what is written is gone within a
 * millisecond.
 * @param prefix that of the queues.
 * @throws what is no refusal.
 */
export async function refusalToWrite(
  connection: Pick<RedisConnection, 'set'>,
  prefix: string,
): Promise<RedisRefusedError | undefined> {
  try {
    await connection.set(`${prefix}:try-write`, '', 'PX', 1);
    return undefined;
  } catch (error) {
    const refusal = redacted(error);
    if (refusal instanceof RedisRefusedError) return refusal;
    throw error;
  }
}
