import { fc, test } from '@fast-check/vitest';
import { expect, it } from 'vitest';
import { deriveUserId } from '../../src/operations/derive-user-id.ts';

const INSTANCE = { id: 'AAAAAAAA-1111-4111-8111-111111111111', secret: 'a secret' };

/** Made by another program: existing users must get the same ids for ever. */
it.each([
  [{ clientId: 'customer-4711' }, 0, 'cff953d6-a43c-85e7-b304-3a9f1a1370ba'],
  [{ clientId: 'customer-4711' }, 1, '0a2e00fe-feac-8436-a706-21120b4928e6'],
  [{ jobId: '1', timestamp: 1_800_000_000_000 }, 0, '5e9e9d24-200e-8287-a9c1-60a68a54aae4'],
])('the user of %j, generation %i, is %s', (signUp, generation, userId) => {
  expect(deriveUserId(INSTANCE, signUp, generation)).toBe(userId);
  expect(deriveUserId({ ...INSTANCE, id: INSTANCE.id.toLowerCase() }, signUp, generation)).toBe(userId);
});

test.prop([fc.string(), fc.nat()])('every id is a UUID of version 8 (RFC 9562)', (clientId, generation) => {
  const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
  expect(deriveUserId(INSTANCE, { clientId }, generation)).toMatch(uuid);
});

it('another secret, instance, sign-up or generation leads to another user', () => {
  const ids = [
    deriveUserId(INSTANCE, { clientId: '1' }),
    deriveUserId({ ...INSTANCE, secret: 'another' }, { clientId: '1' }),
    deriveUserId({ ...INSTANCE, id: 'another' }, { clientId: '1' }),
    deriveUserId(INSTANCE, { clientId: '2' }),
    deriveUserId(INSTANCE, { clientId: '1' }, 1),
    deriveUserId(INSTANCE, { jobId: '1', timestamp: 0 }),
    deriveUserId(INSTANCE, { jobId: '1', timestamp: 1 }),
  ];
  expect(new Set(ids).size).toBe(ids.length);
});
