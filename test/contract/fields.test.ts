import { expect, it } from 'vitest';
import { profileValue } from '../../src/contract/fields.ts';

it('a text becomes a number only where the field is one', () => {
  expect(profileValue('childrenCount', ' 2 ')).toBe(2);
  expect(profileValue('childrenCount', 'two')).toBe('two');
  expect(profileValue('phone', '2')).toBe('2');
});
