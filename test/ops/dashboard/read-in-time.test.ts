import { expect, it } from 'vitest';
import { UnreadError, createReadInTime } from '../../../src/ops/dashboard/read-in-time.ts';
import { RedisRefusedError } from '../../../src/redis/refusal.ts';

it('a page is not read while Redis is away, silent or refuses, and a fault of ours stays one', async () => {
  const read = createReadInTime(() => true, 10);
  expect(await read(async () => 'read')).toBe('read');
  await expect(read(() => new Promise(() => {}))).rejects.toThrow(UnreadError);
  await expect(read(() => Promise.reject(new RedisRefusedError('NOPERM')))).rejects.toThrow(UnreadError);
  await expect(read(() => Promise.reject(new TypeError('ours')))).rejects.toThrow('ours');
  const away = createReadInTime(() => false);
  await expect(away(async () => 'read')).rejects.toThrow(UnreadError);
});
