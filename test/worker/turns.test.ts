import { expect, it } from 'vitest';
import { createTurns } from '../../src/worker/turns.ts';

it('steps of one name run one after the other, also behind one that fails; another name waits for nobody', async () => {
  const inTurn = createTurns();
  const said: string[] = [];
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const first = inTurn('a', async () => {
    said.push('first begins');
    await gate;
    said.push('first fails');
    throw new Error('no');
  });
  const second = inTurn('a', async () => {
    said.push('second');
    return 2;
  });
  await inTurn('b', async () => void said.push('another'));
  open();
  await expect(first).rejects.toThrow('no');
  expect(await second).toBe(2);
  expect(said).toEqual(['first begins', 'another', 'first fails', 'second']);
});
