/**
 * Whether Redis takes a write now: what it says of itself does not tell.
 */
import type { RedisConnection } from './connection.ts';
import { RedisRefusedError, tellable } from './refusal.ts';

/**
 * Undefined where it does. What is written is gone within a millisecond.
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
    const refusal = tellable(error);
    if (refusal instanceof RedisRefusedError) return refusal;
    throw error;
  }
}
