/**
 * Whether a request was sent by a page of ours, as the browser says.
 */

/** @param header gives a header of the request. */
export function isSameOrigin(header: (name: string) => string | undefined): boolean {
  // Browsers send it where the connection is secure. A proxy may have changed the host, so `Origin` may differ from it.
  const site = header('sec-fetch-site');
  if (site !== undefined) return site === 'same-origin';
  const host = header('host');
  return host !== undefined && URL.parse(header('origin') ?? '')?.host === host.toLowerCase();
}
