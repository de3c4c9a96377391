/**
 * Does slow work for some items at once and hands on the results in the items' order. Holds no more than it works on.
 */

/** @param most how many are worked on at once. */
export async function* inOrder<Item, Result>(
  items: AsyncIterable<Item> | Iterable<Item>,
  most: number,
  work: (item: Item) => Promise<Result>,
): AsyncGenerator<Result> {
  const running: Promise<Result>[] = [];
  for await (const item of items) {
    const result = work(item);
    // If one fails before its turn, and if nobody waits for it any more.
    result.catch(() => {});
    running.push(result);
    const first = running.length >= most ? running.shift() : undefined;
    if (first !== undefined) yield await first;
  }
  for (const result of running) yield await result;
}
