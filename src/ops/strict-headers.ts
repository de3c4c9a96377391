/**
 * The security headers of every answer to operators: no caching, framing, sniffing or referrers.
 * What a page may load says the page itself.
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

/** The answer with each of these headers that it does not bear already. */
export function withStrictHeaders(response: Response): Response {
  for (const [name, value] of Object.entries(STRICT)) {
    if (!response.headers.has(name)) response.headers.set(name, value);
  }
  return response;
}
