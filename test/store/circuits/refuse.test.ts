import { expect, it } from 'vitest';
import { PROBES, createUserStateWorld } from '../users/user-state-world.ts';
import { REFUSED, open, versionFor } from './circuits-world.ts';

it('a circuit that a run has opened is reported to it again, where the reply was lost', async () => {
  const world = await createUserStateWorld();
  const job = await open(world);
  const before = await world.circuits.stateOf('admin');
  world.pass(PROBES.firstMs);
  expect(await world.circuits.refuse(world.runOf(job), versionFor(job), REFUSED)).toBe('held');
  expect(world.changes).toEqual([
    { ...REFUSED, is: 'open' },
    { ...REFUSED, is: 'open' },
  ]);
  expect(await world.circuits.stateOf('admin')).toEqual(before);
});
