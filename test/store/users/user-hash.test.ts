import { expect, it } from 'vitest';
import { hashIdFor } from '../../../src/store/users/user-hash.ts';
import { instance, userId } from './user-state-world.ts';

const name = hashIdFor(instance);
const elsewhere = hashIdFor({ ...instance, id: '33333333-3333-4333-8333-333333333333' });

it('a clientId has a name of its own in each instance, and with each secret', () => {
  const another = hashIdFor({ ...instance, secret: 'another' });
  const names = [name, elsewhere, another].map((hashId) => hashId('client', 'c-1'));
  expect(new Set(names)).toHaveProperty('size', 3);
  const sameInstance = hashIdFor({ ...instance, id: instance.id.toUpperCase() });
  expect(sameInstance('client', 'c-1')).toBe(name('client', 'c-1'));
});

it('a userId has the same name in each instance, and an id of another kind has another', () => {
  const another = hashIdFor({ ...instance, secret: 'another' });
  expect(elsewhere('user', userId)).toBe(name('user', userId));
  expect(another('user', userId)).toBe(name('user', userId));
  const names = (['client', 'user', 'job'] as const).map((kind) => name(kind, userId));
  expect(new Set(names)).toHaveProperty('size', 3);
});

it('each id has a name of its own', () => {
  const names = [name('client', 'c-1'), name('client', 'c-2'), name('client', 'c-1')];
  expect(names[1]).not.toBe(names[0]);
  expect(names[2]).toBe(names[0]);
});
