import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { expect, inject, it, onTestFinished } from 'vitest';
import { createAgreedSettings } from '../../../src/store/settings/agreed-settings.ts';

it('a setting is what the first worker claims, until one replaces it; a look or a comparison stores nothing', async () => {
  const connection = new Redis(inject('redisUrl'), { maxRetriesPerRequest: null });
  const prefix = `{test-${randomUUID()}}`;
  onTestFinished(async () => {
    await connection.del(`${prefix}:agreed:place`);
    connection.disconnect();
  });
  const settings = createAgreedSettings(connection, prefix);
  expect(await settings.agree('place', 'a', 'compares')).toBeUndefined();
  expect(await settings.look('place')).toBeUndefined();
  expect(await settings.agree('place', 'a')).toBeUndefined();
  expect([await settings.agree('place', 'b'), await settings.agree('place', 'b', 'compares')]).toEqual([
    'a',
    'a',
  ]);
  expect(await settings.look('place')).toBe('a');
  expect(await settings.agree('place', 'b', 'replaces')).toBeUndefined();
  expect(await settings.look('place')).toBe('b');
});
