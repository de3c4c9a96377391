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

it('a circuit that is open says why: as the first refusal did, or a later one that knows more', async () => {
  const world = await createUserStateWorld();
  const reasons = [];
  for (const [reason, isUntried] of [
    ['first', true],
    ['no more', true],
    ['more', false],
  ] as const) {
    const job = await world.start();
    const refusal = { ...REFUSED, reason, isUntried };
    expect(await world.circuits.refuse(world.runOf(job), versionFor(job), refusal)).toBe('held');
    reasons.push((await world.circuits.stateOf('admin')).reason);
  }
  expect(reasons).toEqual(['first', 'first', 'more']);
});

it('a circuit that no job tries any more is not open for ever', async () => {
  const world = await createUserStateWorld();
  await open(world);
  expect(await world.shortestTtl('circuit:admin:*')).toBeGreaterThan(0);
});
