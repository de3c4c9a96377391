import { expect, it } from 'vitest';
import { type DeletionAddress, DeletionNames } from '../../../src/store/deletions/deletion-names.ts';
import { createDeletionsWorld } from './deletions-world.ts';

it('what else a user was found to be called is a name of the instance where it was found', async () => {
  const names = new DeletionNames(await createDeletionsWorld());
  const hashesOf = (address: DeletionAddress) => names.call(address, async ({ hashes }) => hashes);
  const [here = '', there = ''] = [
    ...(await hashesOf({ clientId: 'c-2', instance: 'default' })),
    ...(await hashesOf({ clientId: 'c-2', instance: 'eu' })),
  ];
  expect(here).not.toBe(there);
  const asked = { clientId: 'c-1', instance: 'default' };
  const [, unsaid] = await hashesOf({ ...asked, also: { clientId: 'c-2' } });
  const [, said] = await hashesOf({ ...asked, also: { clientId: 'c-2', instance: 'eu' } });
  expect([unsaid, said]).toEqual([here, there]);
});
