/**
 * Access and refresh tokens: issued, recognised, rotated. Knows who holds a token, not who may have one.
 */
import { randomUUID } from 'node:crypto';

/** Whom a token speaks for: the admin, or one user. */
export type Holder = { readonly kind: 'admin' } | { readonly kind: 'user'; readonly deviceToken: string };

/** A token pair as the API answers it (documented). */
export interface TokenPair {
  readonly AccessToken: { readonly Token: string; readonly ExpiresIn: number };
  readonly RefreshToken: string;
}

interface AccessGrant {
  readonly holder: Holder;
  expiresAt: number;
}

interface RefreshGrant {
  readonly holder: Holder;
  readonly accessToken: string;
}

const JWT_HEADER = base64url({ alg: 'none', typ: 'JWT' });

export class Sessions {
  readonly #access = new Map<string, AccessGrant>();
  // A refresh token lives three months (published by the vendor); no sandbox does, so none expires.
  readonly #refresh = new Map<string, RefreshGrant>();

  /**
   * A new pair; earlier pairs of the holder stay good unless they are revoked.
   * ExpiresIn is in whole seconds, rounded up so that it is never 0.
   */
  issue(holder: Holder, now: number, ttlMs: number): TokenPair {
    const accessToken = `${JWT_HEADER}.${base64url({ ...holder, iat: now })}.${randomUUID()}`;
    const refreshToken = randomUUID();
    this.#access.set(accessToken, { holder, expiresAt: now + ttlMs });
    this.#refresh.set(refreshToken, { holder, accessToken });
    const expiresIn = Math.max(1, Math.ceil(ttlMs / 1000));
    return { AccessToken: { Token: accessToken, ExpiresIn: expiresIn }, RefreshToken: refreshToken };
  }

  /** Who speaks in an Authorization header; undefined where nobody does, or no longer. */
  holderOf(authorization: string | undefined, now: number): Holder | undefined {
    if (authorization === undefined || !/^bearer /i.test(authorization)) return undefined;
    const grant = this.#access.get(authorization.slice('bearer '.length).trim());
    return grant !== undefined && now < grant.expiresAt ? grant.holder : undefined;
  }

  /**
   * Takes a pair out of use for refreshing and tells whose it was; undefined where it is no pair. An expired access
   * token is fine (documented).
   * Assumption: the two must have been issued together, and the old access token stays good for calls until it
   * expires: a server that checks a JWT by its signature cannot take it back.
   */
  spend(accessToken: unknown, refreshToken: unknown): Holder | undefined {
    if (typeof refreshToken !== 'string') return undefined;
    const grant = this.#refresh.get(refreshToken);
    if (grant === undefined || grant.accessToken !== accessToken) return undefined;
    this.#refresh.delete(refreshToken);
    return grant.holder;
  }

  /** No access token issued so far is accepted at or after `latest`. */
  shorten(latest: number): void {
    for (const grant of this.#access.values()) grant.expiresAt = Math.min(grant.expiresAt, latest);
  }

  /** Forgets the tokens of users; the admin stays logged in. */
  forgetUsers(): void {
    this.#forget(({ kind }) => kind === 'user');
  }

  /** Forgets every token of one account. */
  revoke(account: Holder): void {
    const id = idOf(account);
    this.#forget((holder) => idOf(holder) === id);
  }

  #forget(isMeant: (holder: Holder) => boolean): void {
    for (const grants of [this.#access, this.#refresh]) {
      for (const [token, { holder }] of grants) if (isMeant(holder)) grants.delete(token);
    }
  }
}

function idOf(holder: Holder): string {
  return holder.kind === 'admin' ? 'admin' : holder.deviceToken;
}

function base64url(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
