/**
 * Lists by rank, 50 at a time: what is on a page, and the way to the other pages.
 */
import { figure } from './words.ts';

export const PAGE = 50;

export interface Ranks {
  /** How many come before this page. */
  from: number;
  /** How many are on it. */
  shown: number;
  /** How many there are in all. */
  total: number;
}

/** Says that there is none only if that is known. */
export function extentText({ from, shown, total }: Ranks): string {
  if (total === 0) return 'There is none.';
  if (shown === 0) return `There are ${figure(total)}; none of them is on this page.`;
  return `${figure(from + 1)} to ${figure(from + shown)} of ${figure(total)}.`;
}

export interface PageLink {
  name: string;
  /** Undefined if there is no such page. */
  href: string | undefined;
}

/** @param at the address of the page from a rank on; the first page needs none. */
export function pageLinks(
  { from, total }: Omit<Ranks, 'shown'>,
  at: (from: number | undefined) => string,
): PageLink[] {
  const isLast = from + PAGE >= total;
  const last = Math.floor(Math.max(0, total - 1) / PAGE) * PAGE;
  const before = Math.max(0, from - PAGE);
  return [
    { name: 'First', href: from > 0 ? at(undefined) : undefined },
    { name: 'Previous', href: from > 0 ? at(before === 0 ? undefined : before) : undefined },
    { name: 'Next', href: isLast ? undefined : at(from + PAGE) },
    { name: 'Last', href: isLast ? undefined : at(last) },
  ];
}
