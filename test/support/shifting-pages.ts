/**
 * Stands before the sandbox and has something happen there before some pages are read; everything passes.
 */
import { startDamoovProxy } from './damoov-proxy.ts';

/** @param beforePage called with the number of the page, from 1, before it is read. */
export async function startShiftingPages(
  sandboxUrl: string,
  beforePage: (page: number) => Promise<unknown>,
): Promise<{ url: string }> {
  let pages = 0;
  const url = await startDamoovProxy(sandboxUrl, async (request, body, forward) => {
    if (request.url?.endsWith('/GetFilteredPage') === true) {
      pages += 1;
      await beforePage(pages);
    }
    return forward(body);
  });
  return { url };
}
