/**
 * The security headers of every answer to operators: no caching, framing, sniffing or referrers. A page sets its own policy for what it
 * loads.
 */

const STRICT: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'content-security-policy':
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

/** Adds each of these headers that the answer does not have. */
export function withStrictHeaders(response: Response): Response {
  for (const [name, value] of Object.entries(STRICT)) {
    if (!response.headers.has(name)) response.headers.set(name, value);
  }
  return response;
}
