import { describe, expect, it } from 'vitest';
import { REFUSED, begin, open, versionFor, waiting } from '../circuits/circuits-world.ts';
import { PROBES, createUserStateWorld } from './user-state-world.ts';

describe('a job that is held before a circuit', () => {
  it('leaves another circuit, which is to be tried by now, to a job that waits before that', async () => {
    const world = await createUserStateWorld();
    const waits = await open(world);
    const outage = await world.start();
    const refusal = { ...REFUSED, circuit: 'damoov', afterMs: 10 * PROBES.firstMs } as const;
    expect(await world.circuits.refuse(world.runOf(outage), versionFor(outage), refusal)).toBe('held');
    world.pass(PROBES.firstMs);
    expect(await begin(world, await world.start())).toEqual({ is: 'held', circuit: 'damoov' });
    expect(await waiting(world)).toEqual([waits.id]);
  });

  it('as the create of its user is known to the next job, and the latest of two', async () => {
    const world = await createUserStateWorld();
    const opened = await open(world);
    const creates = [];
    for (const timestamp of [2000, 3000, 1000]) creates.push(await world.start('create-user', { timestamp }));
    for (const create of creates) expect(await world.begin(create)).toMatchObject({ is: 'held' });
    await world.circuits.probed(world.runOf(opened), 'admin', true);
    const { record } = await world.take(await world.start());
    expect(record.pending).toBe(creates[1] && versionFor(creates[1]));
  });
});
