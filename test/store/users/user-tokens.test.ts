import { expect, it } from 'vitest';
import { userTokensKey } from '../../../src/store/users/user-tokens.ts';
import { userId } from './user-state-world.ts';

it('the tokens of a user lie under a key of their own, however its id is written, which does not show it', () => {
  const key = userTokensKey('{p}', userId);
  expect(key).toMatch(/^\{p\}:tokens:[\w-]{22}$/);
  expect(userTokensKey('{p}', userId.toUpperCase())).toBe(key);
  expect(userTokensKey('{p}', userId.replace('9', '8'))).not.toBe(key);
});
