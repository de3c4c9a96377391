import { expect, test } from 'vitest';
import { inOrder } from '../../src/reconcile/in-order.ts';

test('results come in the order of their items, with no more under way than is allowed', async () => {
  let [running, mostRunning] = [0, 0];
  const open: (() => void)[] = [];
  const work = async (item: number) => {
    running += 1;
    mostRunning = Math.max(mostRunning, running);
    await new Promise<void>((resolve) => open.push(resolve));
    running -= 1;
    return item * 10;
  };
  const results: number[] = [];
  const reading = (async () => {
    for await (const result of inOrder([1, 2, 3, 4, 5, 6], 3, work)) results.push(result);
  })();
  // Always the youngest first.
  while (results.length < 6) {
    open.pop()?.();
    await new Promise(setImmediate);
  }
  await reading;
  expect(results).toEqual([10, 20, 30, 40, 50, 60]);
  expect(mostRunning).toBe(3);
});

test('the first failure ends it, and those that come after it are nobody’s surprise', async () => {
  const work = async (item: number) => {
    if (item > 1) throw new Error(`item ${item}`);
    return item;
  };
  const results: number[] = [];
  await expect(async () => {
    for await (const result of inOrder([1, 2, 3, 4], 3, work)) results.push(result);
  }).rejects.toThrow('item 2');
  expect(results).toEqual([1]);
});
