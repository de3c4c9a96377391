/**
 * Access and refresh tokens: issues, checks and rotates them.
 */
import { randomUUID } from 'node:crypto';

/** The holder of a token: the admin, or the user of a device token. */
export const ADMIN = 'admin';
export type Holder = typeof ADMIN | (string & {});

/** A token pair as the API answers it (documented). */
export interface TokenPair {
  readonly AccessToken: { readonly Token: string; readonly ExpiresIn: number };
  readonly RefreshToken: string;
}

const JWT_HEADER = base64url({ alg: 'none', typ: 'JWT' });

export class Sessions {
  readonly #access = new Map<string, { readonly holder: Holder; expiresAt: number }>();
  // A refresh token lives three months (published by the vendor), longer than any sandbox: none expires.
  readonly #refresh = new Map<string, { readonly holder: Holder; readonly accessToken: string }>();

  /**
   * A new pair; earlier pairs of the holder stay valid unless they are forgotten. ExpiresIn is in whole seconds, rounded up so that it is
   * never 0.
   */
  issue(holder: Holder, now: number, ttlMs: number): TokenPair {
    const accessToken = `${JWT_HEADER}.${base64url({ holder, iat: now })}.${randomUUID()}`;
    const refreshToken = randomUUID();
    this.#access.set(accessToken, { holder, expiresAt: now + ttlMs });
    this.#refresh.set(refreshToken, { holder, accessToken });
    const expiresIn = Math.max(1, Math.ceil(ttlMs / 1000));
    return { AccessToken: { Token: accessToken, ExpiresIn: expiresIn }, RefreshToken: refreshToken };
  }

  /** The holder of the token in an Authorization header; undefined if it is invalid or expired. */
  holderOf(authorization = '', now: number): Holder | undefined {
    const token = /^bearer +(?<token>\S+)$/i.exec(authorization.trim())?.groups?.['token'];
    const grant = this.#access.get(token ?? '');
    return grant !== undefined && now < grant.expiresAt ? grant.holder : undefined;
  }

  /**
   * Invalidates a pair for refreshing and returns its holder; undefined if it is not a pair. The access token may be expired
   * (documented).
   * Assumption: the two must have been issued together, and the old access token stays valid until it expires: a server that checks a JWT
   * by its signature cannot revoke it.
   */
  spend(accessToken: unknown, refreshToken: unknown): Holder | undefined {
    const token = String(refreshToken);
    const grant = this.#refresh.get(token);
    if (grant === undefined || grant.accessToken !== accessToken) return undefined;
    this.#refresh.delete(token);
    return grant.holder;
  }

  /** No access token issued so far is accepted at or after `latest`. */
  shorten(latest: number): void {
    for (const grant of this.#access.values()) grant.expiresAt = Math.min(grant.expiresAt, latest);
  }

  forget(isMeant: (holder: Holder) => boolean): void {
    for (const grants of [this.#access, this.#refresh]) {
      for (const [token, { holder }] of grants) if (isMeant(holder)) grants.delete(token);
    }
  }
}

function base64url(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
