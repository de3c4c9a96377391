/**
 * Reads all users from pages that shift meanwhile: Damoov cuts pages by position at each request, so a deletion moves later users to
 * pages that were already read. Knows positions, not users.
 */
import type { UserPage } from '../damoov/wire.ts';

/** So many in a row are no coincidence. */
const MOST_SHORT_PAGES = 3;

/**
 * Reads pages, the newest users first, until each user that existed from the first request to the last was on one of them. A user may
 * appear on several.
 * A deletion moves later users to the left, a creation moves all to the right. So users can be missed only if the total has fallen, and
 * at most by that number: reading continues that far back, and pages overlap from then on.
 * @param ask reads a page, by its number from 1 and its size.
 * @param pageSize maximum number of users per page. If Damoov returns fewer, that size counts.
 * @throws Error if the pages are inconsistent.
 */
export async function* readAllUsers(
  ask: (pageNumber: number, pageSize: number) => Promise<UserPage>,
  pageSize: number,
): AsyncGenerator<UserPage> {
  let most = pageSize;
  let overlap = 0;
  let total = 0;
  /** All users before this position were read, or are newer than the first request. */
  let known = 0;
  let shortPages = 0;
  for (;;) {
    const { pageNumber, size } = pageAt(known, overlap, most);
    const page = await ask(pageNumber, size);
    const count = page.users.length;
    const isShort = page.hasNextPage && count < size;
    // The total may be from just before a deletion: the page is read again.
    shortPages = isShort ? shortPages + 1 : 0;
    if (shortPages > MOST_SHORT_PAGES) {
      throw new Error(`Damoov returned ${count} users on a page of ${size}, although more follow`);
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

/** The page that reaches furthest beyond the position and begins `overlap` before it, or less if there is none. */
function pageAt(position: number, overlap: number, most: number): { pageNumber: number; size: number } {
  let best = { pageNumber: 1, size: most, end: 0 };
  for (let size = most; size >= most / 2; size -= 1) {
    const pageNumber = Math.floor(Math.max(0, position - overlap) / size) + 1;
    const end = pageNumber * size;
    if (end > best.end) best = { pageNumber, size, end };
  }
  return best.end > position ? best : pageAt(position, Math.floor(overlap / 2), most);
}
