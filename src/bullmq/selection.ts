/**
 * What an operator selects of failed sets: counted by kind, and changed a page at a time. For commands and for the dashboard.
 */

export interface Selection<One> {
  /** What one is called. */
  what: string;
  /** By what they are counted. */
  kindOf: (one: One) => Record<string, string>;
  /** Some at a time, the oldest first. */
  read: () => AsyncIterable<One[]>;
  /** How many there are, selected or not. */
  all: () => Promise<number>;
  /** Each answers how many it has changed; the others are gone. */
  retry: (some: readonly One[]) => Promise<number>;
  drop: (some: readonly One[]) => Promise<number>;
  /** Selects the same once more, and nothing that failed since. */
  moment: Moment;
}

/** When it was selected, in epoch milliseconds. */
export interface Moment {
  now: number;
  /** By queue: when the newest failed. */
  newest: Readonly<Record<string, number>>;
}

export interface Ages {
  /** Minimum time since the failure, in milliseconds. */
  olderThan?: number | undefined;
  /** Maximum time since the failure, in milliseconds. */
  newerThan?: number | undefined;
}

/** The times between which something failed that is selected, in epoch milliseconds. */
export function spanOf(
  { olderThan, newerThan }: Ages,
  now: number,
  newest = 0,
): { since: number; upTo: number } {
  return {
    since: newerThan === undefined ? -Infinity : Math.max(0, now - newerThan),
    // Later failures are not selected. The time of the newest failure counts: the workers' clocks may be ahead of ours.
    upTo: olderThan === undefined ? newest : Math.min(newest, now - olderThan),
  };
}

/** Omits pages without one that is wanted. */
export async function* matching<One>(
  pages: AsyncIterable<One[]>,
  isWanted: (one: One) => boolean,
): AsyncGenerator<One[]> {
  for await (const page of pages) {
    const found = page.filter(isWanted);
    if (found.length > 0) yield found;
  }
}

export interface Kinds {
  total: number;
  /** The most frequent first. */
  by: { kind: Record<string, string>; count: number }[];
}

/** Counts those of each kind, without keeping them. */
export async function countKinds<One>({
  read,
  kindOf,
}: Pick<Selection<One>, 'read' | 'kindOf'>): Promise<Kinds> {
  const rows = new Map<string, Kinds['by'][number]>();
  let total = 0;
  for await (const page of read()) {
    total += page.length;
    for (const one of page) {
      const kind = kindOf(one);
      const name = Object.values(kind).join(' ');
      rows.set(name, { kind, count: (rows.get(name)?.count ?? 0) + 1 });
    }
  }
  return { total, by: [...rows.values()].sort((a, b) => b.count - a.count) };
}

/** Nothing was changed; the message says why. */
export class RefusedChangeError extends Error {
  override readonly name = 'RefusedChangeError';
}

/**
 * Refuses to change more than was counted and confirmed: a worker whose clock is behind may add failed jobs within the counted span.
 * @throws RefusedChangeError
 */
export async function expectNoMore<One>(
  selection: Pick<Selection<One>, 'read' | 'kindOf' | 'what'>,
  counted: number,
): Promise<void> {
  const { total } = await countKinds(selection);
  if (total <= counted) return;
  const now = `${total} ${selection.what}s are selected now, more than the ${counted} that were counted`;
  throw new RefusedChangeError(`${now}. Try again.`);
}

export interface Tally {
  /** How many were reached. */
  seen: number;
  done: number;
  /** How many more are perhaps done: those of the page under way. */
  inDoubt: number;
}

/**
 * Changes all that is selected, a page at a time.
 * @param act answers how many it has changed.
 * @param note is called before and after each page; once it answers false, no other page begins.
 */
export async function changeEach<One>(
  pages: AsyncIterable<One[]>,
  act: (some: One[]) => Promise<number>,
  note: (tally: Tally) => boolean | Promise<boolean>,
): Promise<void> {
  let [seen, done] = [0, 0];
  for await (const some of pages) {
    if (!(await note({ seen, done, inDoubt: some.length }))) return;
    done += await act(some);
    seen += some.length;
    if (!(await note({ seen, done, inDoubt: 0 }))) return;
  }
}

/** How many of the counted ones were gone when they were reached. Those that vanished before they were read again are gone, too. */
export function goneOf({ seen, done }: Tally, total: number, isWhole: boolean): number {
  return (isWhole ? Math.max(seen, total) : seen) - done;
}
