/**
 * A hash that is expensive to compute, so that guessing the secret is expensive, too.
 */
import { scrypt } from 'node:crypto';

/** 32 MiB and about a tenth of a second. */
const COST = { N: 2 ** 15, r: 8, p: 1, maxmem: 64 * 1024 * 1024 };

/** @param work scrypt's N, a power of two. Another value gives another hash: the whole fleet needs the same. */
export async function slowHash(
  secret: string,
  salt: string,
  bytes: number,
  work: number = COST.N,
): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  scrypt(secret, salt, bytes, { ...COST, N: work }, (error, derived) =>
    error === null ? resolve(derived) : reject(error),
  );
  return promise;
}
