/**
 * Reads all users of pages that shift under the reader's hands: a page is cut by position at the moment of its request, so
 * that a deletion in front of it moves users onto pages that were read before. Knows positions, not users.
 */
import type { UserPage } from '../damoov/wire.ts';

/** So many one after the other are no coincidence. */
const MOST_SHORT_PAGES = 3;

/**
 * All pages, the newest users first, until each user who was there from the first request to the last has been on one of
 * them. A user may be on several.
 *
 * A deletion moves what is behind it to the left, a creation all to the right. So users slip by unread only where the total has
 * fallen, and at most as many as it has fallen by: from there it is read again, and from then on pages overlap.
 * @param ask reads a page, by its number from 1 and its size.
 * @param pageSize how many users a page is to have at the most. If Damoov gives fewer, that counts.
 * @throws Error where the pages make no sense.
 */
export async function* readAllUsers(
  ask: (pageNumber: number, pageSize: number) => Promise<UserPage>,
  pageSize: number,
): AsyncGenerator<UserPage> {
  let most = pageSize;
  let overlap = 0;
  let total = 0;
  /** All in front of this position have been read, or are newer than the first request. */
  let known = 0;
  let shortPages = 0;
  for (;;) {
    const { pageNumber, size } = pageAt(known, overlap, most);
    const page = await ask(pageNumber, size);
    const count = page.users.length;
    const isShort = page.hasNextPage && count < size;
    // Counted a moment before a deletion, perhaps: the page is read again.
    shortPages = isShort ? shortPages + 1 : 0;
    if (shortPages > MOST_SHORT_PAGES) {
      throw new Error(`Damoov gives ${count} users on a page of ${size}, and says that more follow`);
    }
    if (isShort && pageNumber === 1 && count > 0) most = count;
    yield page;

    const slipped = Math.max(0, total - page.totalUsers);
    total = page.totalUsers;
    known = Math.max(0, known - slipped);
    const from = (pageNumber - 1) * size;
    if (from > known) {
      overlap = Math.min(Math.max(overlap, 2 * slipped), Math.floor(most / 4));
      continue;
    }
    known = Math.max(known, from + count);
    if (!page.hasNextPage) return;
  }
}

/** The page that reaches furthest beyond the position, and begins `overlap` before it, or less if none does. */
function pageAt(position: number, overlap: number, most: number): { pageNumber: number; size: number } {
  let best = { pageNumber: 1, size: most, end: 0 };
  for (let size = most; size >= most / 2; size -= 1) {
    const pageNumber = Math.floor(Math.max(0, position - overlap) / size) + 1;
    const end = pageNumber * size;
    if (end > best.end) best = { pageNumber, size, end };
  }
  return best.end > position ? best : pageAt(position, Math.floor(overlap / 2), most);
}
