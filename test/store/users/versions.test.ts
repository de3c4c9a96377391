import { expect, it } from 'vitest';
import { createUserStateWorld, instance, live, userId } from './user-state-world.ts';

const clientId = 'c-1';
const elsewhere = { ...instance, id: '33333333-3333-4333-8333-333333333333' };

it.each([
  { name: 'delete-user', timestamp: 4999, isOlder: true },
  { name: 'update-user', timestamp: 5000, isOlder: true },
  { name: 'move-user', timestamp: 5000, isOlder: false },
  { name: 'delete-user', timestamp: 5000, isOlder: false },
  { name: 'create-user', timestamp: 5001, isOlder: false },
] as const)(
  'a job means a user that was moved since, if its version is older: $name at $timestamp',
  async (job) => {
    const world = await createUserStateWorld();
    const move = await world.start('move-user', { timestamp: 5000 });
    const user = await world.take(move, { clientId });
    await user.settle(world.settlementOf(move), { ...live(user), clientId, movedTo: elsewhere });
    const { record } = await world.take(await world.start(job.name, { timestamp: job.timestamp }), {
      clientId,
    });
    expect(record.userId).toBe(job.isOlder ? userId : undefined);
  },
);
