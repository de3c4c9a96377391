/**
 * Explains a refusal of Redis in one sentence, with what to do. It shows only Redis' codes: the rest of the message, and the command that
 * ioredis attaches, may contain any data.
 */
import { type RedisConnection, isLostConnection } from './connection.ts';

/** Redis answered and refused the command. */
export class RedisRefusedError extends Error {
  override readonly name = 'RedisRefusedError';
  /** Redis' error code: `OOM`, `READONLY`, `MISCONF`, `NOPERM`, or another; `CONTENDED` is our own. */
  readonly code: string;

  constructor(code: string) {
    const meaning = MEANING.get(code);
    super(meaning === undefined ? `Redis refuses (${code})` : `Redis refuses to write (${code}): ${meaning}`);
    this.code = code;
  }
}

const MEANING: ReadonlyMap<string, string> = new Map([
  ['OOM', 'its memory is full. Give it more (maxmemory), or let the workers catch up before adding more'],
  ['READONLY', 'it is a replica. Point the configuration at the master'],
  ['MISCONF', 'it cannot save its data. Check its disk and its log'],
  ['NOPERM', 'its user may not do that. Give it the access that deploy/redis/users.acl has for its role'],
  ['CONTENDED', 'other clients changed the same data before each try. Try again'],
]);

/** Undefined if the error is not a refusal, or an unknown one. */
export function refusalOf(error: unknown): RedisRefusedError | undefined {
  if (error instanceof RedisRefusedError) return error;
  if (!(error instanceof Error) || error.name !== 'ReplyError') return undefined;
  // Older servers put their own words before an error from a script.
  const [code] = /\b(?:OOM|READONLY|MISCONF|NOPERM)\b/.exec(error.message) ?? [];
  return code === undefined ? undefined : new RedisRefusedError(code);
}

/**
 * Whether Redis is at fault or silent: a transient fault, or one to be fixed there. Other errors, such as wrong arguments of a script,
 * would recur on each call.
 */
export function isRedisFault(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error.name === 'ReplyError') return FAULT.test(error.message);
  if (error instanceof RedisRefusedError) return true;
  // Node's own errors have a code, too.
  if ('code' in error && String(error.code).startsWith('ERR_')) return false;
  return OF_THE_CLIENT.has(error.name) && isLostConnection(error);
}

/** The names of ioredis' own errors. Any other error may quote a job's data. */
const OF_THE_CLIENT = new Set([
  'Error',
  'RedisAwayError',
  'MaxRetriesPerRequestError',
  'AbortError',
  'ClusterAllFailedError',
]);

/** Anywhere in the text: older servers put their own words before an error from a script. The last one is settle.lua's own. */
const FAULT =
  /\b(?:OOM|READONLY|MISCONF|NOPERM|NOAUTH|WRONGPASS|LOADING|BUSY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|NOREPLICAS|UNKILLABLE|WRONGTYPE|max number of clients|BROKENQUEUE)\b/;

/** Makes an error safe to show: ioredis attaches the command, which contains the data. */
export function redacted(error: unknown): unknown {
  if (!(error instanceof Error) || error.name !== 'ReplyError') return error;
  const [first = ''] = error.message.split(' ', 1);
  return refusalOf(error) ?? new RedisRefusedError(/^[A-Z]+$/.test(first) ? first : 'ERR');
}

/** The reason why Redis is at fault, safe to show; undefined if it is not. */
export function outageOf(error: unknown): string | undefined {
  if (!isRedisFault(error)) return undefined;
  const shown = redacted(error);
  return shown instanceof RedisRefusedError ? shown.message : 'Redis gave no answer';
}

/**
 * Tests whether Redis accepts a write, since its own status does not show it. Returns undefined if it does. The test key expires within a
 * millisecond.
 * @param prefix of the queues.
 * @throws any error that is not a refusal.
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
