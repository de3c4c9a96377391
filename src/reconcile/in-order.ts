/**
 * Does slow work for several items in parallel and yields the results in the items' order. Holds only the items in work.
 */

/** @param most number of parallel items. */
export async function* inOrder<Item, Result>(
  items: AsyncIterable<Item> | Iterable<Item>,
  most: number,
  work: (item: Item) => Promise<Result>,
): AsyncGenerator<Result> {
  const running: Promise<Result>[] = [];
  for await (const item of items) {
    const result = work(item);
    // It may fail before its turn, or after the consumer stopped.
    result.catch(() => {});
    running.push(result);
    const first = running.length >= most ? running.shift() : undefined;
    if (first !== undefined) yield await first;
  }
  for (const result of running) yield await result;
}
